import { connect, type Socket } from "node:net";
import type { Address, ExchangeResult } from "../ports/network.ts";
import { intoOneBuffer } from "./receive-buffer.ts";
import { earlyFirst, socketStream } from "./socket-stream.ts";

const HEAD_BYTES_MAX = 16 * 1024;
const HEAD_END = "\r\n\r\n";

/**
 * Dials an exchange whose reads go into the one buffer: a receiver of hundreds of megabytes a second otherwise spends
 * a third of its time on the 64 KiB that each read would allocate (docs/adr/0012). `head` is the upgrade request,
 * RFC 9110 7.8.
 */
export function dialExchange(address: Address, head: string, options: { timeoutMs: number }): Promise<ExchangeResult> {
  return new Promise((resolve) => {
    const dial = new Dial((result) => {
      clearTimeout(timer);
      resolve(result);
    });
    const onread = intoOneBuffer((chunk) => dial.receive(chunk));
    const timer = setTimeout(() => dial.fail(`no answer in ${options.timeoutMs} ms`), options.timeoutMs);
    const socket = connect({ host: address.host, port: address.port, onread, noDelay: true });
    dial.socket = socket;
    socket.on("error", (error) => dial.fail(error.message));
    socket.on("close", () => dial.onClose());
    socket.on("connect", () => socket.write(head));
  });
}

class Dial {
  socket: Socket | null = null;
  readonly #settle: (result: ExchangeResult) => void;
  #isSettled = false;
  /** Takes what comes once the exchange is accepted. */
  #deliver: ((chunk: Uint8Array) => void) | null = null;
  /** What came of the answer, then what came behind its head. */
  #early: Buffer = Buffer.alloc(0);
  #answer: { status: number; bodyBytes: number } | null = null;

  constructor(settle: (result: ExchangeResult) => void) {
    this.#settle = settle;
  }

  receive(chunk: Buffer): void {
    if (this.#deliver !== null) return this.#deliver(chunk);
    this.#early = Buffer.concat([this.#early, chunk]);
    if (this.#answer === null) this.#readHead();
    if (this.#answer !== null && this.#deliver === null) this.#readBody();
  }

  fail(reason: string): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.socket?.destroy();
    this.#settle({ kind: "unreachable", reason });
  }

  /** An answer without a length ends with its connection. */
  onClose(): void {
    const answer = this.#answer;
    if (answer !== null && this.#deliver === null) this.#refuse(answer.status, this.#early.toString());
    else this.fail("the connection was closed");
  }

  #readHead(): void {
    const end = this.#early.indexOf(HEAD_END);
    if (end < 0) {
      if (this.#early.length > HEAD_BYTES_MAX) this.fail("the answer is no HTTP");
      return;
    }
    const head = this.#early.toString("latin1", 0, end);
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0);
    if (status === 0) return this.fail("the answer is no HTTP");
    this.#early = this.#early.subarray(end + HEAD_END.length);
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    this.#answer = { status, bodyBytes: length === undefined ? Number.POSITIVE_INFINITY : Number(length) };
    if (status === 101) this.#accept();
  }

  #readBody(): void {
    const answer = this.#answer;
    if (answer === null || this.#isSettled) return;
    if (this.#early.length >= answer.bodyBytes || this.#early.length > HEAD_BYTES_MAX) {
      this.#refuse(answer.status, this.#early.toString());
    }
  }

  #refuse(status: number, text: string): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.socket?.destroy();
    this.#settle({ kind: "refused", status, text });
  }

  #accept(): void {
    const { socket } = this;
    if (this.#isSettled || socket === null) return;
    this.#isSettled = true;
    const stream = socketStream(socket);
    // The handlers are set when it comes: in the turn in which the dial resolves.
    this.#deliver = earlyFirst(stream, this.#early);
    this.#settle({ kind: "accepted", stream });
  }
}
