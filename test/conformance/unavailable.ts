/** What would be run if it could be had through package registries alone; said in every whole run, and in the page. */
export const unavailable: readonly { readonly name: string; readonly why: string }[] = [
  {
    name: "the schema registries of Confluent and Aiven (Karapace)",
    why: "Confluent's is not on Maven Central, and Karapace not on PyPI",
  },
];
