/** One server-sent event, as a browser would hand it over. */
export interface ServerEvent {
  readonly id: string;
  readonly event: string;
  readonly data: string;
}

/** One record as the API shows it. */
export interface Line {
  readonly partition: number;
  readonly offset: number;
  readonly key?: unknown;
  readonly value?: unknown;
}

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: unknown;
}

const JSON_RECORDS = "application/vnd.kafka.json.v2+json";

export async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text();
  return {
    status: response.status,
    type: response.headers.get("content-type") ?? "",
    body: JSON.parse(text) as unknown,
  };
}

export const get = async (url: string, headers: Record<string, string> = {}): Promise<Answer> =>
  answerOf(await fetch(url, { headers }));

/** Posts a body as it is. */
export async function post(url: string, body: string | Uint8Array<ArrayBuffer>, type = JSON_RECORDS): Promise<Answer> {
  return answerOf(await fetch(url, { method: "POST", headers: { "content-type": type }, body }));
}

export interface Produced {
  readonly partition: number | null;
  readonly offset: number | null;
  readonly error_code: number | null;
}

/** Appends records by the dialect of REST Proxy; where each is. */
export async function produce(url: string, records: readonly object[]): Promise<Produced[]> {
  const { status, body } = await post(url, JSON.stringify({ records }));
  if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
  return (body as { offsets: Produced[] }).offsets;
}

/** Every line of a stream that ends by itself. */
export async function lines(url: string): Promise<Line[]> {
  const response = await fetch(url);
  const text = await response.text();
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => JSON.parse(line) as Line);
}

/** Reads events until `count` with data have come, then hangs up. */
export async function events(url: string, count: number, lastEventId?: string): Promise<ServerEvent[]> {
  const hangUp = new AbortController();
  const headers: Record<string, string> = lastEventId === undefined ? {} : { "last-event-id": lastEventId };
  const response = await fetch(url, { headers, signal: hangUp.signal });
  if (response.status !== 200 || response.body === null) throw new Error(`${response.status} ${await response.text()}`);
  const found: ServerEvent[] = [];
  for await (const event of eventsIn(response.body)) {
    found.push(event);
    if (found.length === count) break;
  }
  hangUp.abort();
  return found;
}

/** Source: WHATWG HTML, "Interpreting an event stream". */
export async function* eventsIn(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  let rest = "";
  let id = "";
  for await (const text of body.pipeThrough(new TextDecoderStream() as never) as ReadableStream<string>) {
    const blocks = `${rest}${text}`.split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const fields = new Map(block.split("\n").map((line) => line.split(/: ?(.*)/s, 2) as [string, string]));
      id = fields.get("id") ?? id;
      const data = fields.get("data");
      if (data !== undefined) yield { id, event: fields.get("event") ?? "message", data };
    }
  }
}

/** Runs a command of the documentation, as far as it is `curl` with the options that stand there. */
export async function curl(command: string, base: string): Promise<string> {
  const [program, ...words] = [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? "");
  if (program !== "curl") throw new Error(`${program} is not curl`);
  const headers: Record<string, string> = {};
  let [method, body, url]: (string | undefined)[] = [];
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === "-X") method = words.shift();
    else if (word === "-d") body = words.shift();
    else if (word === "-H") {
      const [name = "", value = ""] = (words.shift() ?? "").split(/: */, 2);
      headers[name] = value;
    } else if (word.startsWith("http")) url = word.replace("http://127.0.0.1:8082", base);
    else if (!/^-[sN]+$/.test(word)) throw new Error(`the option ${word} is not known here`);
  }
  const options = { headers, ...(method === undefined ? {} : { method }), ...(body === undefined ? {} : { body }) };
  return (await fetch(url ?? "", options)).text();
}

export const lineIn = ({ data }: ServerEvent): Line => JSON.parse(data) as Line;
