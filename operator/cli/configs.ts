import { TidemarkError } from "#base/errors.ts";
import { AdminClient } from "./admin-client.ts";
import type { ClientOptions } from "./broker-access.ts";
import { assignments } from "./assignments.ts";
import { endWithReader } from "./exit.ts";
import { type Output, print } from "./table.ts";
import { missing } from "./topics.ts";

export interface ConfigOptions extends ClientOptions {
  readonly output: Output;
  readonly topic?: string;
  /** A broker's id, or "all". */
  readonly broker?: string;
}

interface Resource {
  readonly resourceType: 2 | 4;
  readonly resourceName: string;
}

const TOPIC = 2;
const BROKER = 4;
/** Where a value comes from, by Kafka's number for it. */
const SOURCES: readonly string[] = ["", "topic", "broker", "all brokers", "broker's start", "default"];
const DEFAULT_SOURCE = 5;
const SET = 0;
const DELETE = 1;

function resourceOf({ topic, broker }: ConfigOptions): Resource {
  if ((topic === undefined) === (broker === undefined)) {
    throw new TidemarkError("BAD_INPUT", "give either --topic or --broker");
  }
  if (topic !== undefined) return { resourceType: TOPIC, resourceName: topic };
  if (!/^([0-9]{1,10}|all)$/.test(broker!)) {
    throw new TidemarkError("BAD_INPUT", `--broker ${broker}: it must be a broker's id, or all`);
  }
  return { resourceType: BROKER, resourceName: broker === "all" ? "" : broker! };
}

/** `tidemark configs show`: what is set, with `--all` what is in force. */
export async function showConfigs(options: ConfigOptions & { readonly all?: boolean }): Promise<void> {
  endWithReader();
  const resource = resourceOf(options);
  await AdminClient.with(options, async (client) => {
    const asked = { resources: [resource], includeSynonyms: false, includeDocumentation: false };
    const [found] = await client.ask((admin) => admin.describeConfigs(asked), missing(resource.resourceName));
    const configs = (found?.configs ?? [])
      .filter(({ configSource }) => options.all === true || configSource !== DEFAULT_SOURCE)
      .map(({ name, value, configSource, readOnly }) => ({
        key: name,
        value,
        source: SOURCES[configSource] ?? String(configSource),
        canChange: !readOnly,
      }))
      .sort((a, b) => (a.key < b.key ? -1 : 1));
    const rows = configs.map(({ key, value, source, canChange }) => [
      key,
      value ?? "-",
      source,
      canChange ? "yes" : "at start only",
    ]);
    print(options.output, { json: configs, rows: [["KEY", "VALUE", "SET BY", "CAN CHANGE"], ...rows] });
  });
}

async function change(
  options: ConfigOptions,
  configs: readonly (
    | { readonly name: string; readonly configOperation: typeof SET; readonly value: string }
    | { readonly name: string; readonly configOperation: typeof DELETE }
  )[],
): Promise<void> {
  const resource = resourceOf(options);
  await AdminClient.with(options, async (client) => {
    const resources = [{ ...resource, configs: [...configs] }];
    await client.ask((admin) => admin.incrementalAlterConfigs({ resources }), missing(resource.resourceName));
  });
  const rows = configs.map((one) => [
    one.configOperation === SET ? `${one.name}=${one.value}` : `${one.name} is unset`,
  ]);
  print(options.output, { json: { changed: configs.map(({ name }) => name) }, rows });
}

/** `tidemark configs set`: all of it, or nothing. */
export const setConfigs = (words: readonly string[], options: ConfigOptions): Promise<void> => {
  const values = Object.entries(assignments(words));
  return change(
    options,
    values.map(([name, value]) => ({ name, configOperation: SET, value })),
  );
};

/** `tidemark configs unset`: what is said elsewhere, or the default, counts again. */
export const unsetConfigs = (keys: readonly string[], options: ConfigOptions): Promise<void> =>
  change(
    options,
    keys.map((name) => ({ name, configOperation: DELETE })),
  );
