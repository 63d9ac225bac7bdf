import type { Quantity } from "./custom-resources.ts";

const factors: Readonly<Record<string, number>> = {
  m: 1e-3,
  "": 1,
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

/** A Kubernetes quantity as a number of its base unit; null when it is none. Also with an exponent: 1e9. */
export function quantityOf(quantity: Quantity): number | null {
  const [, digits, unit = ""] = /^([0-9.]+(?:[eE][+-]?[0-9]+)?)([A-Za-z]*)$/.exec(String(quantity)) ?? [];
  const factor = factors[unit];
  const value = Number(digits);
  return digits === undefined || factor === undefined || Number.isNaN(value) ? null : value * factor;
}

/** True when both name the same amount, however they are written. */
export const isSameQuantity = (a: Quantity, b: Quantity): boolean => quantityOf(a) === quantityOf(b);
