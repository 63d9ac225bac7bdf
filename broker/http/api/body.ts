import { isUtf8 } from "node:buffer";
import type { IncomingMessage } from "node:http";
import { GatheredBytes } from "../../base/gathered-bytes.ts";
import type { BrokerContext } from "../../handlers/context.ts";
import type { ByteBudget } from "./byte-budget.ts";
import { badRequest, bodyTooLarge, type Refusal, tryAgain } from "./refusal.ts";

/** A larger body of records is sent as newline-delimited JSON: it is read piece by piece. */
export const BODY_BYTES_MAX = 4 * 1024 * 1024;
const BODY_MS_MAX = 60_000;

/** A body that was read. `release` is called once, when nothing of it is held any more. */
export interface Body {
  readonly text: string;
  readonly sizeBytes: number;
  release(): void;
}

export const OVER_BUDGET = "this broker has too many requests in hand; try again";

/** Reads a whole body as UTF-8. Null when the client went away in the middle of it, or took longer than a minute. */
export async function readBody(
  request: IncomingMessage,
  { budget, broker }: { budget: ByteBudget; broker: BrokerContext },
): Promise<Body | Refusal | null> {
  if (Number(request.headers["content-length"] ?? 0) > BODY_BYTES_MAX) return bodyTooLarge(BODY_BYTES_MAX);
  const deadline = broker.deadlines.after(BODY_MS_MAX, () => request.destroy());
  const gathered = new GatheredBytes();
  let sizeBytes = 0;
  const refuse = (refusal: Refusal | null): Refusal | null => {
    budget.giveBack(sizeBytes);
    return refusal;
  };
  try {
    // A stream that is left in the middle would take the connection with it, and nobody would hear why.
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      if (!budget.take(chunk.length)) return refuse(tryAgain(OVER_BUDGET));
      sizeBytes += chunk.length;
      if (sizeBytes > BODY_BYTES_MAX) return refuse(bodyTooLarge(BODY_BYTES_MAX));
      gathered.add(chunk);
    }
  } catch {
    return refuse(null);
  } finally {
    deadline.cancel();
  }
  const bytes = gathered.take();
  if (!isUtf8(bytes)) return refuse(badRequest("the body is not UTF-8"));
  return { text: bytes.toString("utf8"), sizeBytes, release: () => budget.giveBack(sizeBytes) };
}
