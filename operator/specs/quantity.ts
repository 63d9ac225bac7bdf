import { quantityValue } from "../resources/quantity-value.ts";

type Quantity = string | number;

const QUANTITY = /^[0-9.]+([eE][+-]?[0-9]+|[numkMGTPE]|[KMGTPE]i)?$/;

/** A Kubernetes quantity as a number of its base unit; null when it is none. Also with an exponent: 1e9. */
export function quantityOf(quantity: Quantity): number | null {
  const value = QUANTITY.test(String(quantity)) ? quantityValue(quantity) : Number.NaN;
  return Number.isNaN(value) ? null : value;
}

/** True when both name the same amount, however they are written. What is no quantity is the same as nothing. */
export function isSameQuantity(a: Quantity, b: Quantity): boolean {
  const amount = quantityOf(a);
  return amount !== null && amount === quantityOf(b);
}
