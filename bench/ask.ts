import type { Api } from "../broker/wire/api.ts";
import { Reader } from "../broker/wire/reader.ts";
import type { Draft, Infer, Shape } from "../broker/wire/schema.ts";
import { Writer } from "../broker/wire/writer.ts";
import type { Connection } from "./connection.ts";

/** A request of a version before tagged fields came, ready to be sent any number of times. */
export interface Question<S extends Shape> {
  readonly version: number;
  readonly body: Buffer;
  readonly api: Api<Shape, S>;
}

/** Writes a request down. @throws Error where the version is a flexible one: {@link Connection} has no such headers */
export function question<Q extends Shape, S extends Shape>(
  api: Api<Q, S>,
  version: number,
  body: Draft<Q>,
): Question<S> {
  if (api.isFlexible(version)) throw new Error(`${api.name} v${version} has tagged fields`);
  const writer = new Writer();
  api.writeRequest(writer, version, body);
  return { version, body: Buffer.concat(writer.chunks()), api: api as unknown as Api<Shape, S> };
}

/** Sends a request; answers what the broker said. */
export async function put<S extends Shape>(connection: Connection, asked: Question<S>): Promise<Infer<S>> {
  const answer = await connection.request(asked.api.key, asked.version, asked.body);
  return asked.api.readResponse(new Reader(answer), asked.version);
}

/** Writes a request down and sends it. */
export const ask = <Q extends Shape, S extends Shape>(
  connection: Connection,
  api: Api<Q, S>,
  version: number,
  body: Draft<Q>,
): Promise<Infer<S>> => put(connection, question(api, version, body));
