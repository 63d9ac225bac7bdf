import type { Api } from "../wire/api.ts";
import type { RequestHeader } from "../wire/frame.ts";
import type { Draft, Infer, Shape } from "../wire/schema.ts";
import type { BrokerContext } from "./context.ts";

/** Versions, both ends included. */
export interface Versions {
  readonly min: number;
  readonly max: number;
}

/** What peers and requests within the process came in by: they are told nobody's addresses. */
export const NO_LISTENER = "";

/**
 * One request under way. Exactly one of `answer`, `answerNothing`, `close` and `fail` is called, once, in this turn or
 * later; what is called after that, or after the client has gone, does nothing. Answers leave in the order of requests.
 */
export interface Call<Response> {
  readonly header: RequestHeader;
  /** Name of the listener the client came in by: it is told the other brokers' addresses on the same one. */
  readonly listener: string;
  /** Where the client is, without its port. */
  readonly remoteHost: string;
  readonly isOpen: boolean;
  answer(response: Response): void;
  /** The request wants no answer (acks=0). */
  answerNothing(): void;
  /** The request wants no answer and failed: closing is the only way to say so. Earlier answers still leave. */
  close(): void;
  /** A bug came up after the handler had returned: the request fails as if it had thrown. */
  fail(error: unknown): void;
  /** Called once if the client goes before the answer: a wait can end. */
  onGone: () => void;
}

/**
 * How one API key is served. A handler that returns a promise holds back the connection's next request until it
 * settles, as Kafka does for every request; one that returns nothing lets the next one start at once.
 */
export interface Handler {
  readonly api: Api;
  /** What is told to clients. */
  readonly advertised: Versions;
  /** What is served; below it a request that is advertised only for the sake of old negotiations is refused. */
  readonly served: Versions;
  handle(request: unknown, call: Call<unknown>, broker: BrokerContext): void | Promise<void>;
}

export function handler<Q extends Shape, S extends Shape>(
  api: Api<Q, S>,
  versions: { readonly served: Versions; readonly advertised?: Versions },
  handle: (request: Infer<Q>, call: Call<Draft<S>>, broker: BrokerContext) => void | Promise<void>,
): Handler {
  return {
    api: api as unknown as Api,
    served: versions.served,
    advertised: versions.advertised ?? versions.served,
    handle: handle as Handler["handle"],
  };
}
