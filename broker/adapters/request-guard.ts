import { INCARNATION_PATH } from "../contract/control.ts";
import type { Logger } from "../base/logging.ts";
import type { Tokens } from "../ports/tokens.ts";

export interface GuardedRequest {
  readonly method: string;
  readonly path: string;
  /** The header as it came. */
  readonly authorization: string | undefined;
  readonly remote: string;
}

/** Null: may pass. Otherwise one line of why not, for a 401. */
export type RequestGuard = (request: GuardedRequest) => string | null;

/** Whoever watches needs no token, and learns nothing that others wrote. */
const OPEN_PATHS: ReadonlySet<string> = new Set([INCARNATION_PATH, "/healthz", "/readyz", "/metrics"]);
const LOG_MS = 10_000;

export const REFUSAL = "show the cluster's internal token: Authorization: Bearer …";

const tokenIn = (authorization: string | undefined): string | null =>
  /^Bearer +(\S+)$/i.exec(authorization ?? "")?.[1] ?? null;

/** Demands the token of whoever wants more than to watch. `tokensOf`: by path; null = nothing there has one. */
export function tokenGuard(
  ports: { logger: Logger; nowMs: () => number },
  tokensOf: (path: string) => Tokens | null,
): RequestGuard {
  let saidMs = Number.NEGATIVE_INFINITY;
  let refused = 0;
  return ({ method, path, authorization, remote }) => {
    if (method === "GET" && OPEN_PATHS.has(path.split("?", 1)[0] ?? "")) return null;
    const token = tokenIn(authorization);
    if (token !== null && tokensOf(path)?.accepts(token) === true) return null;
    refused++;
    if (ports.nowMs() - saidMs >= LOG_MS) {
      saidMs = ports.nowMs();
      const why = token === null ? "no token" : "a wrong token";
      ports.logger.warn("a request without the cluster's token was refused", { why, method, path, remote, refused });
      refused = 0;
    }
    return REFUSAL;
  };
}
