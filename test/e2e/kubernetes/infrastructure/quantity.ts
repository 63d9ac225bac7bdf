const units: Readonly<Record<string, number>> = {
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** Bytes of a Kubernetes quantity; 0 for none. */
export function bytesOf(quantity: string | undefined): number {
  if (quantity === undefined) return 0;
  const [, amount = "", unit = ""] = quantity.match(/^(\d+(?:\.\d+)?)([A-Za-z]*)$/) ?? [];
  const factor = units[unit];
  if (amount === "" || factor === undefined) throw new Error(`${quantity} is no size that the harness reads`);
  return Number(amount) * factor;
}
