import { describe, expect, test } from "@jest/globals";
import { brokerConfigKeys, type ConfigKey, topicConfigKeys } from "../../broker/contract/config-keys.ts";
import { BOOLEAN_KEY_PATTERN, NUMERIC_KEY_PATTERN } from "../../operator/resources/kafka-config.ts";

/** The resources know keys by their endings only: another endings' key would let "12 GB" in as a number. */
describe.each([
  ["topics", topicConfigKeys],
  ["brokers", brokerConfigKeys],
])("the endings by which resources tell the types of configuration keys of %s", (_of, table) => {
  const keys = [...table.values()];
  const namesOf = (types: readonly ConfigKey["type"][]): string[] =>
    keys.filter(({ type }) => types.includes(type)).map(({ name }) => name);
  const matching = (pattern: string): string[] =>
    keys.filter(({ name }) => new RegExp(pattern).test(name)).map(({ name }) => name);

  test("are those of all numbers, and of numbers only", () => {
    expect(matching(NUMERIC_KEY_PATTERN)).toEqual(namesOf(["int", "long"]));
  });

  test("are those of all truth values, and of truth values only", () => {
    expect(matching(BOOLEAN_KEY_PATTERN)).toEqual(namesOf(["boolean"]));
  });
});
