import {
  type Admin,
  type API,
  type Callback,
  type Connection,
  createAPI,
  kGetApi,
  kGetBootstrapConnection,
  kPerformWithRetry,
  ResponseError,
  type Reader,
  Writer,
} from "@platformatic/kafka";

/*
 * What the client library can encode, but has no method for: asked of whichever broker answers, with the library's own
 * retries. These symbols are what it exports for whoever extends its clients.
 */

type Request<A extends unknown[], R> = (connection: Connection, ...rest: [...A, Callback<R>]) => void;

/** Sends one request to any broker, in the newest version that it and the library know. */
export const askAny = <A extends unknown[], R>(admin: Admin, name: string, args: A): Promise<R> =>
  retried<R>(admin, name, (connection, done) => {
    admin[kGetApi]<A, R>(name, (error, api) => {
      if (error) return done(error);
      (api as unknown as Request<A, R>)(connection, ...args, done);
    });
  });

/** The same for an API that the library does not know at all. */
export const askAnyBy = <A extends unknown[], R>(admin: Admin, api: API<A, R>, args: A): Promise<R> =>
  retried<R>(admin, `api ${api.key}`, (connection, done) => (api as Request<A, R>)(connection, ...args, done));

function retried<R>(admin: Admin, name: string, send: (connection: Connection, done: Callback<R>) => void): Promise<R> {
  return new Promise((resolve, reject) => {
    const attempt = (done: Callback<R>): void =>
      admin[kGetBootstrapConnection]((error, connection) => (error ? done(error) : send(connection!, done)));
    void admin[kPerformWithRetry]<R>(name, attempt, (error, result) => (error ? reject(error) : resolve(result!)));
  });
}

/** What a broker answered although it refused a part of it; null when nobody answered. */
export function answerIn<R>(error: unknown): R | null {
  if (!Error.isError(error)) return null;
  if (error instanceof ResponseError) return (error as { response?: R }).response ?? null;
  for (const inner of ((error as { errors?: readonly unknown[] }).errors ?? []).toReversed()) {
    const found = answerIn<R>(inner);
    if (found !== null) return found;
  }
  return null;
}

export interface ElectionTopic {
  readonly topic: string;
  readonly partitions: readonly number[];
}

export interface ElectLeadersAnswer {
  readonly errorCode: number;
  readonly results: readonly {
    readonly topic: string;
    readonly partitions: readonly {
      readonly partition: number;
      readonly errorCode: number;
      readonly says: string | null;
    }[];
  }[];
}

const PREFERRED = 0;

/** ElectLeaders, version 2: preferred leaders of these partitions, or of all. Refusals are in the answer. */
export const electPreferred = createAPI<[timeoutMs: number, topics: ElectionTopic[] | null], ElectLeadersAnswer>(
  43,
  2,
  (timeoutMs: number, topics: ElectionTopic[] | null) =>
    Writer.create()
      .appendInt8(PREFERRED)
      .appendArray(topics, (writer, { topic, partitions }) => {
        writer.appendString(topic).appendArray([...partitions], (w, one) => w.appendInt32(one), true, false);
      })
      .appendInt32(timeoutMs)
      .appendTaggedFields(),
  (_correlationId, _key, _version, reader: Reader) => {
    reader.readInt32();
    const errorCode = reader.readInt16();
    const results = reader.readArray((ofTopic) => ({
      topic: ofTopic.readString(),
      partitions: ofTopic.readArray((one) => ({
        partition: one.readInt32(),
        errorCode: one.readInt16(),
        says: one.readNullableString(),
      })),
    }));
    return { errorCode, results };
  },
);
