import Type from "typebox";
import { matching, rules } from "./cel.ts";

const IS_QUANTITY = "isQuantity(string(self))";
/** Rounded to nanounits a quantity of as many characters stays exact; longer ones are mistakes. */
const LENGTH_MAX = 40;

/** A Kubernetes quantity above zero: 10Gi, 500M, 1e9, 250m. */
export const quantitySchema = (description: string, example = "10Gi or 500M") =>
  Type.Unsafe<string | number>({
    type: ["string", "integer"],
    description,
    maxLength: LENGTH_MAX,
    "x-kubernetes-int-or-string": true,
    ...matching(
      "^[+-]?([0-9]+(\\.[0-9]*)?|\\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?$",
      `be a quantity such as ${example}`,
    ),
    ...rules(
      { rule: IS_QUANTITY, message: `must be a quantity such as ${example}` },
      {
        rule: `!${IS_QUANTITY} || quantity(string(self)).isGreaterThan(quantity('0'))`,
        message: `must be more than 0, such as ${example}`,
        holds: (quantity: string | number) => quantityValue(quantity) > 0,
      },
    ),
  });

const factors: Readonly<Record<string, number>> = {
  "": 1,
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** What a valid quantity counts, in its unit: bytes or CPUs. */
export function quantityValue(quantity: string | number): number {
  const [, digits = "0", unit = ""] = /^([+-]?[0-9.]+)(.*)$/.exec(String(quantity)) ?? [];
  return /^[eE]./.test(unit) ? Number(digits + unit) : Number(digits) * (factors[unit] ?? 1);
}

/** Whole bytes of a valid quantity; a begun one counts, as Kubernetes has it. */
export const quantityBytes = (quantity: string | number): number => Math.ceil(quantityValue(quantity));
