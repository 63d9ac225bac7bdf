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
