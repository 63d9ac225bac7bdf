const digits = "0123456789abcdef";

/** The two hexadecimal digits of each byte value. */
export const byteToHex: readonly string[] = Array.from(
  { length: 256 },
  (_, value) => `${digits[value >> 4]}${digits[value & 15]}`,
);

/** The value of one lower-case hexadecimal digit given by its character code; -1 for any other character. */
export const digitValue = (code: number): number => {
  if (code >= 48 && code <= 57) return code - 48;
  return code >= 97 && code <= 102 ? code - 87 : -1;
};
