import type { Call, Handler } from "../handlers/handler.ts";
import { encodeResponse, type RequestHeader } from "../wire/frame.ts";
import { firstErrorIn } from "./first-error.ts";

/** The connection that an answer belongs to. */
export interface AnswerOwner {
  onReady(answer: Answer): void;
  onFailed(answer: Answer, error: unknown): void;
}

type State = "waiting" | "ready" | "closing";

/** One request's place in its connection's order of answers. */
export class Answer implements Call<unknown> {
  readonly header: RequestHeader;
  readonly listener: string;
  readonly remoteHost: string;
  readonly requestBytes: number;
  readonly startedAtMs: number;
  readonly #handler: Handler;
  readonly #owner: AnswerOwner;
  state: State = "waiting";
  isOpen = true;
  chunks: readonly Uint8Array[] = [];
  /** The first error that the answer says; 0 = none. */
  errorCode = 0;
  onGone: () => void = ignore;

  constructor(
    request: {
      header: RequestHeader;
      listener: string;
      remoteHost: string;
      requestBytes: number;
      startedAtMs: number;
      handler: Handler;
    },
    owner: AnswerOwner,
  ) {
    this.header = request.header;
    this.listener = request.listener;
    this.remoteHost = request.remoteHost;
    this.requestBytes = request.requestBytes;
    this.startedAtMs = request.startedAtMs;
    this.#handler = request.handler;
    this.#owner = owner;
  }

  get handler(): Handler {
    return this.#handler;
  }

  answer(response: unknown): void {
    if (!this.isOpen) return;
    const { apiVersion: version, correlationId } = this.header;
    this.errorCode = firstErrorIn(response);
    this.chunks = encodeResponse(this.#handler.api, { version, correlationId }, response as never);
    this.#end("ready");
  }

  answerNothing(): void {
    if (this.isOpen) this.#end("ready");
  }

  close(): void {
    if (this.isOpen) this.#end("closing");
  }

  fail(error: unknown): void {
    if (this.isOpen) this.#owner.onFailed(this, error);
  }

  /** The client is gone. */
  abandon(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    const tell = this.onGone;
    this.onGone = ignore;
    tell();
  }

  #end(state: State): void {
    this.isOpen = false;
    this.state = state;
    this.onGone = ignore;
    this.#owner.onReady(this);
  }
}

function ignore(): void {}
