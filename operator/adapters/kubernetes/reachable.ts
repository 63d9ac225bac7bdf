import { connect } from "node:net";
import type { Address } from "./dial.ts";

/** Whether anybody listens at one of the addresses, as seen from here, at once. Never rejects. */
export async function isAnyReachable(addresses: readonly Address[], timeoutMs: number): Promise<boolean> {
  const tries = addresses.map((address) => attempt(address, timeoutMs));
  return Promise.any(tries).then(
    () => true,
    () => false,
  );
}

function attempt(address: Address, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...address, timeout: timeoutMs });
    socket.once("connect", () => {
      socket.destroy();
      resolve();
    });
    socket.once("timeout", () => socket.destroy(new Error("no answer")));
    socket.once("error", reject);
  });
}
