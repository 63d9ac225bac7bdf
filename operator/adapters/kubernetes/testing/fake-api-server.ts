import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";

const KEY_SUFFIX = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const BINARY = 2;
const CLOSE = 8;
const DATA_STREAM = 0;
const ERROR_STREAM = 1;

/** What is answered to a GET: a status, and a body as JSON or as text. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/**
 * Looks like an API server with pods behind it: answers GETs as it is told, and forwards ports over real WebSockets
 * (RFC 6455) in the channel protocol v4 (a byte for the stream, then data; each stream begins with the port).
 */
export class FakeApiServer {
  /** By path, without its query. */
  readonly answers = new Map<string, Answer>();
  /** Port of this machine behind each pod; what is missing is no pod. */
  readonly pods = new Map<string, number>();
  /** Connections that were forwarded, by pod. */
  readonly forwarded = new Map<string, number>();
  /** With it port-forwards are refused. */
  refusal: number | null = null;
  readonly #server: Server;
  readonly #sockets = new Set<Duplex>();

  constructor() {
    this.#server = createServer((request, response) => {
      const path = (request.url ?? "").split("?", 1)[0]!;
      const { status, body } = this.answers.get(path) ?? { status: 404, body: "404 page not found" };
      response.writeHead(status, { "content-type": typeof body === "string" ? "text/plain" : "application/json" });
      response.end(typeof body === "string" ? body : JSON.stringify(body));
    });
    this.#server.on("upgrade", (request, socket) => this.#upgrade(request, socket));
    this.#server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    const address = this.#server.address();
    return `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #upgrade(request: IncomingMessage, socket: Duplex): void {
    socket.on("error", () => socket.destroy());
    const [, pod = "", port = "0"] = /\/pods\/([^/]+)\/portforward\?ports=(\d+)$/.exec(request.url ?? "") ?? [];
    const target = this.pods.get(pod);
    const status = this.refusal ?? (target === undefined ? 404 : null);
    if (status !== null) return void socket.end(`HTTP/1.1 ${status} Refused\r\ncontent-length: 0\r\n\r\n`);
    const accept = createHash("sha1").update(`${request.headers["sec-websocket-key"]}${KEY_SUFFIX}`).digest("base64");
    const head = ["HTTP/1.1 101 Switching Protocols", "upgrade: websocket", "connection: upgrade"];
    const protocol = "sec-websocket-protocol: v4.channel.k8s.io";
    socket.write([...head, protocol, `sec-websocket-accept: ${accept}`, "", ""].join("\r\n"));
    this.forwarded.set(pod, (this.forwarded.get(pod) ?? 0) + 1);
    join(socket, connect(target ?? 0, "127.0.0.1"), Number(port));
  }
}

/** Until one of both ends. */
function join(socket: Duplex, target: Socket, port: number): void {
  const portBytes = Buffer.of(port & 255, port >> 8);
  const send = (stream: number, data: Buffer): void => void socket.write(frameOf(Buffer.of(stream), data));
  for (const stream of [DATA_STREAM, ERROR_STREAM]) send(stream, portBytes);
  let rest = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    for (let frame = readFrame(rest); frame !== null; frame = readFrame(rest)) {
      rest = rest.subarray(frame.sizeBytes);
      if (frame.opcode === CLOSE) socket.end(Buffer.of(0x80 | CLOSE, 0));
      if (frame.opcode === BINARY && frame.payload[0] === DATA_STREAM) target.write(frame.payload.subarray(1));
    }
  });
  socket.on("close", () => target.destroy());
  target.on("data", (data: Buffer) => send(DATA_STREAM, data));
  target.on("error", (error) => send(ERROR_STREAM, Buffer.from(`error forwarding port ${port}: ${error.message}`)));
  target.on("close", () => socket.end(Buffer.of(0x80 | CLOSE, 0)));
}

/** One whole frame, not masked, as servers send them. */
function frameOf(...parts: readonly Buffer[]): Buffer {
  const payload = Buffer.concat(parts);
  const head = Buffer.alloc(10);
  head[0] = 0x80 | BINARY;
  if (payload.length < 126) {
    head[1] = payload.length;
    return Buffer.concat([head.subarray(0, 2), payload]);
  }
  head[1] = 127;
  head.writeBigUInt64BE(BigInt(payload.length), 2);
  return Buffer.concat([head, payload]);
}

/** The first frame of `bytes`, masked as clients send them; null until it is whole. */
function readFrame(bytes: Buffer): { opcode: number; payload: Buffer; sizeBytes: number } | null {
  if (bytes.length < 2) return null;
  const short = bytes[1]! & 127;
  const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
  const bodyAt = 2 + lengthBytes + 4;
  if (bytes.length < bodyAt) return null;
  const length =
    lengthBytes === 0 ? short : lengthBytes === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  if (bytes.length < bodyAt + length) return null;
  const mask = bytes.subarray(bodyAt - 4, bodyAt);
  const payload = Buffer.from(bytes.subarray(bodyAt, bodyAt + length));
  for (let index = 0; index < payload.length; index++) payload[index]! ^= mask[index & 3]!;
  return { opcode: bytes[0]! & 15, payload, sizeBytes: bodyAt + length };
}
