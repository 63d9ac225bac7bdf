/** What differs between brokers, and may stand in braces in an advertised address. */
export type AddressParts = Readonly<Record<"pod" | "ordinal" | "podIp" | "nodeName" | "nodeIp" | "namespace", string>>;

/** The template with every `{name}` replaced by what `fill` answers for it. */
export const filledAddress = (template: string, fill: (name: string, placeholder: string) => string): string =>
  template.replaceAll(/\{(\w*)\}/g, (placeholder, name: string) => fill(name, placeholder));
