import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { quantityBytes } from "./quantity-value.ts";
import { nearest } from "./nearest.ts";
import { type AllConfigRules, readResources, type Resources } from "./read.ts";

const rules: AllConfigRules = {
  Cluster: {
    names: ["num.partitions", "min.insync.replicas"],
    validate: (config) =>
      config["num.partitions"] === "0" ? 'invalid value "0" for num.partitions: it is at least 1' : null,
  },
  Topic: { names: ["retention.ms", "min.insync.replicas"], validate: () => null },
};

const read = (text: string): Resources => readResources([{ name: "a.yaml", text }], rules);

function refusal(text: string): string {
  try {
    read(text);
  } catch (error) {
    const { name, message } = error as Error;
    expect(name).toBe("TidemarkError");
    expect(message).not.toContain("\n");
    return message;
  }
  throw new Error("was accepted");
}

const cluster = (spec: string, rest = ""): string =>
  `apiVersion: tidemark.dev/v1alpha1\nkind: Cluster\nmetadata: {name: c}\nspec: ${spec}\n${rest}`;
const topic = (spec: string, name = "t"): string =>
  `---\napiVersion: tidemark.dev/v1alpha1\nkind: Topic\nmetadata: {name: ${name}}\nspec: ${spec}\n`;
const withTopic = (spec: string): string => `${cluster("{replicas: 3}")}${topic(spec)}`;

const TOPIC_NAME_RULE =
  "a.yaml: document 2 (Topic t): spec.topicName must be letters, digits, '.', '_' and '-', and neither '.' nor '..'";

describe("resources that are right", () => {
  test("the quickstart is read: one cluster of three brokers and one topic", () => {
    const text = readFileSync("examples/quickstart.yaml", "utf8");
    const { cluster: found, topics } = readResources([{ name: "quickstart.yaml", text }], rules);
    expect(found?.spec.replicas).toBe(3);
    expect(topics.map((one) => [one.metadata.name, one.spec.partitions, one.spec.replicationFactor])).toEqual([
      ["cities", 24, 3],
    ]);
  });

  test("cluster and topics may stand in several files", () => {
    const files = [
      { name: "t.yaml", text: topic("{clusterRef: {name: c}, topicName: Orders_1}") },
      { name: "c.yaml", text: cluster("{replicas: 1, storage: {size: 10Gi}, listeners: [{port: 9092}]}") },
    ];
    const found = readResources(files, rules);
    expect(found.cluster?.metadata.name).toBe("c");
    expect(found.topics[0]?.spec.topicName).toBe("Orders_1");
  });

  test("labels, annotations and a status are let through, as kubectl get shows them", () => {
    const text = cluster("{replicas: 1}", "status: {anything: [1]}\n").replace(
      "{name: c}",
      "{name: c, namespace: n, labels: {a: b}, uid: x}",
    );
    expect(read(text).cluster?.metadata.name).toBe("c");
  });

  test("configuration may be written as text, number or truth value", () => {
    const text = withTopic("{clusterRef: {name: c}, config: {retention.ms: 5, min.insync.replicas: '2'}}");
    expect(read(text).topics[0]?.spec.config).toEqual({ "retention.ms": "5", "min.insync.replicas": "2" });
  });

  test.each([
    ["1Gi", 2 ** 30],
    ["1.5Ki", 1536],
    ["500M", 5e8],
    ["1e9", 1e9],
    ["1E", 1e18],
    ["1500m", 2],
    [42, 42],
  ])("the quantity %s counts %d bytes", (quantity, bytes) => {
    expect(quantityBytes(quantity)).toBe(bytes);
  });
});

describe("resources that are wrong are refused with one line", () => {
  test.each([
    [
      "an unknown field with its nearest name",
      cluster("{replica: 3, replicas: 3}"),
      "a.yaml (Cluster c): spec.replica is an unknown field; did you mean replicas?",
    ],
    [
      "an unknown field that is near to nothing",
      cluster("{replicas: 3, storage: {zzzzzzzz: 1}}"),
      "a.yaml (Cluster c): spec.storage.zzzzzzzz is an unknown field; " +
        "known fields: size, storageClass, ephemeral, deletionPolicy",
    ],
    ["a missing field", cluster("{}"), "a.yaml (Cluster c): spec.replicas is missing"],
    [
      "a missing spec",
      "apiVersion: tidemark.dev/v1alpha1\nkind: Cluster\nmetadata: {name: c}\n",
      "a.yaml (Cluster c): spec is missing",
    ],
    [
      "an empty field",
      cluster("{replicas: }"),
      "a.yaml (Cluster c): spec.replicas is empty; it must be a whole number",
    ],
    [
      "a wrong type",
      cluster("{replicas: three}"),
      'a.yaml (Cluster c): spec.replicas must be a whole number, not "three"',
    ],
    [
      "a broken number",
      cluster("{replicas: 1.5}"),
      "a.yaml (Cluster c): spec.replicas must be a whole number, not 1.5",
    ],
    ["a number too small", cluster("{replicas: 0}"), "a.yaml (Cluster c): spec.replicas must be at least 1, not 0"],
    [
      "a number too large",
      cluster("{replicas: 101}"),
      "a.yaml (Cluster c): spec.replicas must be at most 100, not 101",
    ],
    [
      "several faults, counted",
      cluster("{replicas: 0, foo: 1, bar: 2}"),
      "a.yaml (Cluster c): spec.replicas must be at least 1, not 0 (and 2 more)",
    ],
    [
      "a bad quantity",
      cluster("{replicas: 1, storage: {size: big}}"),
      'a.yaml (Cluster c): spec.storage.size must be a quantity such as 10Gi or 500M, not "big"',
    ],
    [
      "two listeners of one name",
      cluster("{replicas: 1, listeners: [{port: 1}, {port: 2}]}"),
      'a.yaml (Cluster c): spec.listeners[1] is there twice (name "internal"); remove one',
    ],
    [
      "two listeners of one port",
      cluster("{replicas: 1, listeners: [{port: 1}, {name: b, port: 1}]}"),
      "a.yaml (Cluster c): spec.listeners must have different ports; give every listener its own",
    ],
    [
      "one port of the nodes for all brokers",
      cluster("{replicas: 1, listeners: [{port: 1, type: nodeport, advertisedPort: 31000}]}"),
      "a.yaml (Cluster c): spec.listeners must have an advertisedPort such as 31000+{ordinal} where the type is " +
        "nodeport: each broker needs a port of the nodes for itself",
    ],
    [
      "nine listeners",
      cluster(`{replicas: 1, listeners: [${[1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => `{name: l${n}, port: ${n}}`)}]}`),
      "a.yaml (Cluster c): spec.listeners must have at most 8 items, not 9",
    ],
    [
      "a word that is none of the words",
      cluster("{replicas: 1, storage: {deletionPolicy: retain}}"),
      "a.yaml (Cluster c): spec.storage.deletionPolicy must be one of Retain, Delete, " +
        'not "retain"; did you mean Retain?',
    ],
    [
      "a number with a unit",
      withTopic("{clusterRef: {name: c}, config: {retention.ms: 7d}}"),
      "a.yaml: document 2 (Topic t): spec.config must have whole numbers for keys that end in ms, minutes, hours, " +
        "bytes, messages, replicas, factor, isr, partitions, connections, rate, size, slots or level, without a " +
        "unit: retention.ms: '86400000'",
    ],
    [
      "more in sync than there are",
      withTopic("{clusterRef: {name: c}, replicationFactor: 2, config: {min.insync.replicas: 3}}"),
      "a.yaml: document 2 (Topic t): spec must not have config min.insync.replicas above replicationFactor; " +
        "lower it or raise replicationFactor",
    ],
    [
      "a bad port",
      cluster("{replicas: 1, listeners: [{port: 70000}]}"),
      "a.yaml (Cluster c): spec.listeners[0].port must be at most 65535, not 70000",
    ],
    [
      "a map instead of text",
      cluster("{replicas: 1, config: {num.partitions: {a: 1}}}"),
      'a.yaml (Cluster c): spec.config."num.partitions" must be text, not {"a":1}',
    ],
    [
      "an unknown configuration key",
      cluster("{replicas: 1, config: {num.partition: 1}}"),
      'a.yaml (Cluster c): spec.config."num.partition" is an unknown key; did you mean num.partitions?',
    ],
    [
      "a bad configuration value",
      cluster("{replicas: 1, config: {num.partitions: 0}}"),
      'a.yaml (Cluster c): spec.config: invalid value "0" for num.partitions: it is at least 1',
    ],
    [
      "a bad object name",
      cluster("{replicas: 1}").replace("name: c", "name: C_1"),
      "a.yaml (Cluster C_1): metadata.name must be lower-case letters, digits and '-', " +
        'beginning with a letter and ending with a letter or digit, not "C_1"',
    ],
    [
      "another version",
      cluster("{replicas: 1}").replace("v1alpha1", "v2"),
      'a.yaml: apiVersion must be tidemark.dev/v1alpha1, not "tidemark.dev/v2"',
    ],
    [
      "an unknown kind",
      cluster("{replicas: 1}").replace("kind: Cluster", "kind: Cloister"),
      'a.yaml: kind "Cloister" is unknown; did you mean Cluster?',
    ],
    [
      "a kind that is no text",
      cluster("{replicas: 1}").replace("kind: Cluster", "kind: [1]"),
      "a.yaml: kind [1] is unknown; known kinds: Cluster, Topic",
    ],
    [
      "a list instead of a resource",
      "- 1\n- 2\n",
      "a.yaml: must be a map with apiVersion, kind, metadata and spec, not [1,2]",
    ],
    [
      "an empty file",
      "# nothing\n",
      "a.yaml: has no resource in it; examples/quickstart.yaml shows what one looks like",
    ],
    [
      "a second cluster",
      `${cluster("{replicas: 1}")}---\n${cluster("{replicas: 1}")}`,
      "a.yaml: document 2 (Cluster c): is a second Cluster; `up` runs one: move the other to a file of its own",
    ],
    [
      "a topic without its cluster",
      topic("{clusterRef: {name: c}}"),
      "a.yaml (Topic t): there is no Cluster in the files; add the Cluster that it names",
    ],
    [
      "a topic of another cluster",
      withTopic("{clusterRef: {name: d}}"),
      'a.yaml: document 2 (Topic t): spec.clusterRef.name is "d", but the Cluster is "c"',
    ],
    [
      "a topic twice",
      `${withTopic("{clusterRef: {name: c}}")}${topic("{clusterRef: {name: c}, topicName: t}", "u")}`,
      "a.yaml: document 3 (Topic u): topic t is there twice; remove one",
    ],
    [
      "more replicas than brokers",
      withTopic("{clusterRef: {name: c}, replicationFactor: 4}"),
      "a.yaml: document 2 (Topic t): spec.replicationFactor 4 is more than the 3 brokers of Cluster c; " +
        "raise its spec.replicas or lower the factor",
    ],
    [
      "no partitions",
      withTopic("{clusterRef: {name: c}, partitions: 0}"),
      "a.yaml: document 2 (Topic t): spec.partitions must be at least 1, not 0",
    ],
    ["a bad topic name", withTopic("{clusterRef: {name: c}, topicName: 'a b'}"), `${TOPIC_NAME_RULE}, not "a b"`],
    ["the topic name ..", withTopic("{clusterRef: {name: c}, topicName: ..}"), `${TOPIC_NAME_RULE}, not ".."`],
  ])("%s", (_what, text, line) => {
    expect(refusal(text)).toBe(line);
  });

  test("what is no YAML is refused with its line and column", () => {
    expect(refusal("kind: Cluster\nspec: {replicas: 3\n")).toMatch(/^a\.yaml:\d+:\d+: is no YAML: /);
    expect(refusal("a: 1\na: 2\n")).toMatch(/^a\.yaml:2:1: is no YAML: .*unique/);
    expect(refusal("a: \tb\n\t- c\n")).toMatch(/^a\.yaml:\d+:\d+: is no YAML: /);
  });

  test("an alias that would fill memory is refused", () => {
    const bomb = ["a: &a [x,x,x,x,x,x,x,x,x]"];
    for (const [from, to] of ["ab", "bc", "cd", "de", "ef", "fg"].map((two) => [two[0], two[1]])) {
      bomb.push(`${to}: &${to} [${Array.from({ length: 9 }, () => `*${from}`).join(",")}]`);
    }
    expect(refusal(bomb.join("\n"))).toMatch(/^a\.yaml: cannot be read: /);
  });

  test("a name far from all others gets no suggestion", () => {
    expect(nearest("partition", ["partitions", "config"])).toBe("partitions");
    expect(nearest("replciationFactor", ["partitions", "replicationFactor"])).toBe("replicationFactor");
    expect(nearest("qqqq", ["partitions", "config"])).toBeNull();
  });
});
