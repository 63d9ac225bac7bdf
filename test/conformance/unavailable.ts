/** What would be run if it could be had through package registries alone; said in every whole run, and in the page. */
export const unavailable: readonly { readonly name: string; readonly why: string }[] = [
  {
    name: "@confluentinc/kafka-javascript",
    why:
      "its installation fetches a binary, or the sources of what it is built from, from places that are no registry; " +
      "confluent-kafka-python and kcat run the same librdkafka",
  },
  {
    name: "a schema registry",
    why: "Confluent's is not on Maven Central, and Karapace not on PyPI",
  },
];
