import Type from "typebox";
import { type Rule, rules } from "./cel.ts";

type Config = Readonly<Record<string, string>>;

/** Kafka's longest name of anything. */
export const CONFIG_KEY_LENGTH_MAX = 249;
const VALUE_LENGTH_MAX = 1024;
export const CONFIG_KEYS_MAX = 128;

/** How keys whose values are whole numbers, or true and false, end: `test/crds/` holds it against the table of keys. */
export const NUMERIC_KEY_PATTERN =
  "[.](ms|minutes|hours|bytes|messages|replicas|factor|isr|partitions|connections|rate|size|slots|level)$";
/** What `int()` takes for certain. */
const SMALL_NUMBER_PATTERN = "^[+]?[0-9]{1,18}$";
const NUMBER_PATTERN = "^[+-]?[0-9]{1,19}$";
export const BOOLEAN_KEY_PATTERN = "[.]enable$";
const BOOLEAN_PATTERN = "^([tT][rR][uU][eE]|[fF][aA][lL][sS][eE])$";

/** Every value under a key that ends so must look so. */
function typed(options: { keys: string; values: string; message: string }): Rule {
  const [keys, values] = [new RegExp(options.keys), new RegExp(options.values)];
  return {
    rule: `self.all(key, !key.matches(r'${options.keys}') || self[key].matches(r'${options.values}'))`,
    message: options.message,
    holds: (config: Config) => Object.entries(config).every(([key, value]) => !keys.test(key) || values.test(value)),
  };
}

/** Kafka's configuration keys and their values, which are text: numbers are written in quotes. */
export const configSchema = (description: string) =>
  Type.Record(Type.String(), Type.String({ maxLength: VALUE_LENGTH_MAX }), {
    description: `${description} Values are text: put numbers, true and false in quotes.`,
    maxProperties: CONFIG_KEYS_MAX,
    ...rules(
      {
        rule: `self.all(key, key.size() > 0 && key.size() <= ${CONFIG_KEY_LENGTH_MAX})`,
        message: `must have keys of 1 to ${CONFIG_KEY_LENGTH_MAX} characters`,
        holds: (config: Config) =>
          Object.keys(config).every((key) => key.length > 0 && key.length <= CONFIG_KEY_LENGTH_MAX),
      },
      typed({
        keys: NUMERIC_KEY_PATTERN,
        values: NUMBER_PATTERN,
        message:
          "must have whole numbers for keys that end in ms, minutes, hours, bytes, messages, replicas, factor, isr, " +
          "partitions, connections, rate, size, slots or level, without a unit: retention.ms: '86400000'",
      }),
      typed({
        keys: BOOLEAN_KEY_PATTERN,
        values: BOOLEAN_PATTERN,
        message: "must have 'true' or 'false' for keys that end in enable",
      }),
    ),
  });

/**
 * CEL that reads `config[key]` as a number, or as `otherwise` where it is absent or no number: `int()` of anything else
 * would fail the rule as a whole, and with it every later change of the object.
 */
export const numberIn = (config: string, key: string, otherwise: string): string =>
  `(has(${config}) && '${key}' in ${config} && ${config}['${key}'].matches('${SMALL_NUMBER_PATTERN}') ` +
  `? int(${config}['${key}']) : ${otherwise})`;

/** The same in TypeScript; null where CEL takes `otherwise`. */
export function numberOf(config: Config | undefined, key: string): number | null {
  const text = config?.[key];
  return text !== undefined && new RegExp(SMALL_NUMBER_PATTERN).test(text) ? Number(text) : null;
}
