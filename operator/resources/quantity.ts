import Type from "typebox";
import { matching, rules } from "./cel.ts";
import { quantityValue } from "./quantity-value.ts";

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
