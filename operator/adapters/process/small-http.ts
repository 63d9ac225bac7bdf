import { nodeHttp } from "#adapters/node-http.ts";

const BODY_BYTES_MAX = 256 * 1024 * 1024;

/** Answer of a process on this machine; null when it does not answer in time, or not in JSON. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** One JSON request to an HTTP server on this machine: GET without a `body`, else POST. */
export function askJson(
  url: string,
  options: { timeoutMs: number; token?: string; body?: unknown },
): Promise<Answer | null> {
  return new Promise((resolve) => {
    const text = options.body === undefined ? null : JSON.stringify(options.body);
    const headers = {
      ...(text === null ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(text) }),
      ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
    };
    const call = nodeHttp.request(
      url,
      { method: text === null ? "GET" : "POST", headers, agent: false },
      (response) => {
        const chunks: Buffer[] = [];
        let sizeBytes = 0;
        response.on("data", (chunk: Buffer) => {
          sizeBytes += chunk.length;
          if (sizeBytes > BODY_BYTES_MAX) call.destroy();
          else chunks.push(chunk);
        });
        response.on("end", () => settle(parse(response.statusCode ?? 0, Buffer.concat(chunks).toString("utf8"))));
        response.on("error", () => settle(null));
      },
    );
    const timer = setTimeout(() => call.destroy(), options.timeoutMs);
    function settle(answer: Answer | null): void {
      clearTimeout(timer);
      resolve(answer);
    }
    call.on("error", () => settle(null));
    call.on("close", () => settle(null));
    call.end(text ?? undefined);
  });
}

function parse(status: number, text: string): Answer | null {
  try {
    return { status, body: JSON.parse(text) as unknown };
  } catch {
    return status >= 400 ? { status, body: text } : null;
  }
}
