import {
  type Admin,
  type API,
  type Broker,
  type Callback,
  type Connection,
  createAPI,
  kGetApi,
  kGetBootstrapConnection,
  kGetConnection,
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
type Send<R> = (connection: Connection, done: Callback<R>) => void;

/** The newest version of an API that brokers and library know. */
const newest =
  <A extends unknown[], R>(admin: Admin, name: string, args: A): Send<R> =>
  (connection, done) =>
    admin[kGetApi]<A, R>(name, (error, api) => {
      if (error) return done(error);
      (api as unknown as Request<A, R>)(connection, ...args, done);
    });

/** Sends one request to any broker, again while it cannot be answered. */
export const askAny = <A extends unknown[], R>(admin: Admin, name: string, args: A): Promise<R> =>
  retried(admin, name, newest<A, R>(admin, name, args));

/** The same for an API that the library does not know at all. */
export const askAnyBy = <A extends unknown[], R>(admin: Admin, api: API<A, R>, args: A): Promise<R> =>
  retried(admin, `api ${api.key}`, (connection, done) => (api as Request<A, R>)(connection, ...args, done));

/** Like `askAny`, where an answer may say of each of its parts whether it was refused: that is an answer, too. */
export async function askAnyInParts<A extends unknown[], R>(admin: Admin, name: string, args: A): Promise<R> {
  try {
    return await retried(admin, name, newest<A, R>(admin, name, args), (error) => answerIn<R>(error) !== null);
  } catch (error) {
    const answer = answerIn<R>(error);
    if (answer === null) throw error;
    return answer;
  }
}

/** Sends one request to one broker, once. */
export const askBroker = <A extends unknown[], R>(admin: Admin, at: Broker, name: string, args: A): Promise<R> =>
  new Promise((resolve, reject) =>
    admin[kGetConnection](at, (error, connection) => {
      if (error) return reject(error);
      newest<A, R>(admin, name, args)(connection!, (failure, result) => (failure ? reject(failure) : resolve(result!)));
    }),
  );

function retried<R>(admin: Admin, name: string, send: Send<R>, isFinal: (error: Error) => boolean = () => false) {
  return new Promise<R>((resolve, reject) => {
    const attempt = (done: Callback<R>): void =>
      admin[kGetBootstrapConnection]((error, connection) => (error ? done(error) : send(connection!, done)));
    const end = (error: Error | null | undefined, result?: R): void => (error ? reject(error) : resolve(result!));
    void admin[kPerformWithRetry]<R>(name, attempt, end, 0, [], isFinal);
  });
}

/** What a broker answered although it refused a part of it; null when nobody answered. */
function answerIn<R>(error: unknown): R | null {
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
