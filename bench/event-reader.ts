import { type ClientRequest, get, type IncomingMessage } from "node:http";
import { LineCutter } from "../broker/base/line-cutter.ts";

/** A reader of one partition's server-sent events, which looks that none is left out and none comes twice. */
export class EventReader {
  private readonly request: ClientRequest;
  private readonly lines = new LineCutter();
  private place = -1;
  private id = -1;
  private failure: Error | undefined;
  /** Records that came. */
  records = 0;

  /** Of the records that are appended from now on. */
  constructor(httpUrl: string, topic: string) {
    const url = `${httpUrl}/topics/${topic}/events?partition=0`;
    // Of its own connection: node's agent would have a thousand readers wait for each other.
    this.request = get(url, { agent: false }, (response) => this.read(response));
    this.request.on("error", (error) => this.fail(error));
  }

  /** True once it has been told the place from which it reads. @throws Error when reading has ended */
  get isReading(): boolean {
    if (this.failure !== undefined) throw this.failure;
    return this.place >= 0;
  }

  close(): void {
    this.failure = new Error("the reader has been closed");
    this.request.destroy();
  }

  private read(response: IncomingMessage): void {
    if (response.statusCode !== 200) this.fail(new Error(`a reader was refused with status ${response.statusCode}`));
    response.on("data", (chunk: Buffer) => this.take(chunk));
    response.on("end", () => this.fail(new Error("a reader's stream has ended")));
    response.on("error", (error) => this.fail(error));
  }

  private fail(error: Error): void {
    this.failure ??= error;
  }

  /** An event is an id, which is the place behind it, then its record if it has one, then an empty line. */
  private take(chunk: Buffer): void {
    for (const bytes of this.lines.push(chunk)) {
      const line = bytes.toString();
      if (line.startsWith("id: ")) this.id = Number(line.slice(line.lastIndexOf(":") + 1));
      else if (line.startsWith("data: ")) this.count();
      else if (line === "" && this.place < 0) this.place = this.id;
    }
  }

  private count(): void {
    if (this.id !== this.place + 1) this.fail(new Error(`a reader at ${this.place} was sent the event ${this.id}`));
    this.place = this.id;
    this.records++;
  }
}
