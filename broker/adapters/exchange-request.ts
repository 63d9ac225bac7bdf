import type { Address } from "../ports/network.ts";

/**
 * Exchanges are opened by HTTP/1.1 Upgrade (RFC 9110, 7.8): after the 101 both sides have the bare socket, and no
 * chunk is framed or parsed on the way of the batches (docs/adr/0004).
 */
export const EXCHANGE_PROTOCOL = "tidemark/1";

export const EXCHANGE_ACCEPTED = Buffer.from(
  `HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: ${EXCHANGE_PROTOCOL}\r\n\r\n`,
);

/** What may stand in the first line of a request. */
const TARGET = /^[\x21-\x7e]+$/;

const isPort = (port: number): boolean => Number.isInteger(port) && port > 0 && port < 65_536;

/** The request that opens an exchange at `path`; null for an address that can be none. */
export function exchangeRequest(
  address: Address,
  path: string,
  fields: Readonly<Record<string, string>>,
): string | null {
  const target = `${address.path ?? ""}${path}`;
  if (!TARGET.test(target) || !isPort(address.port)) return null;
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  const all = { host: `${host}:${address.port}`, connection: "Upgrade", upgrade: EXCHANGE_PROTOCOL, ...fields };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `GET ${target} HTTP/1.1\r\n${lines.join("")}\r\n`;
}
