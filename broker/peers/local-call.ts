import type { BrokerContext } from "../handlers/context.ts";
import { type Call, type Handler, NO_LISTENER } from "../handlers/handler.ts";
import type { Asked } from "./peer-link.ts";

interface LocalRequest {
  readonly handler: Handler;
  readonly version: number;
  readonly body: unknown;
}

/** One request to the broker itself: the handler as any connection runs it, without a socket or a byte encoded. */
class LocalCall implements Call<unknown> {
  readonly header: Call<unknown>["header"];
  readonly listener = NO_LISTENER;
  readonly remoteHost = "http";
  readonly #settle: (asked: Asked<unknown>) => void;
  readonly #onBug: (error: unknown) => void;
  isOpen = true;
  onGone: () => void = () => {};

  constructor(
    { handler, version }: LocalRequest,
    { settle, onBug }: { settle: (asked: Asked<unknown>) => void; onBug: (error: unknown) => void },
  ) {
    this.header = { apiKey: handler.api.key, apiVersion: version, correlationId: 0, clientId: null };
    this.#settle = settle;
    this.#onBug = onBug;
  }

  answer(response: unknown): void {
    this.#end({ kind: "answered", body: response });
  }

  answerNothing(): void {
    this.#end({ kind: "lost" });
  }

  close(): void {
    this.#end({ kind: "lost" });
  }

  fail(error: unknown): void {
    if (!this.isOpen) return;
    this.#end({ kind: "lost" });
    this.#onBug(error);
  }

  #end(asked: Asked<unknown>): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.#settle(asked);
  }
}

/** Runs a handler here. What it throws is a bug: the request counts as lost, and `onBug` is told. */
export function callHere(
  broker: BrokerContext,
  request: LocalRequest,
  onBug: (error: unknown) => void,
): Promise<Asked<unknown>> {
  return new Promise((settle) => {
    const call = new LocalCall(request, { settle, onBug });
    try {
      const running = request.handler.handle(request.body, call, broker);
      running?.catch((error: unknown) => call.fail(error));
    } catch (error) {
      call.fail(error);
    }
  });
}
