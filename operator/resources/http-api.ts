import Type from "typebox";
import { rules } from "./cel.ts";
import { closed } from "./fields.ts";
import { BROKER_HTTP_PORT, DEFAULT_LISTENERS } from "./listeners.ts";

/** That of REST Proxy, whose clients come here. */
export const HTTP_API_PORT = 8082;
/** Its name in the pod: longer than a listener's may be. */
export const HTTP_API_PORT_NAME = "http-api-port";
const PORT_MAX = 65_535;

/** The HTTP API for applications; absent: it is not served. */
export const httpSchema = closed(
  {
    port: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: PORT_MAX,
        default: HTTP_API_PORT,
        description:
          "Port of the API. In Kubernetes every broker has it, and the Service NAME-http; " +
          "on one machine the first broker takes it, the others the next ones.",
        ...rules({
          rule: `self != ${BROKER_HTTP_PORT}`,
          message: `must not be ${BROKER_HTTP_PORT}, on which brokers talk to each other; choose another port`,
          holds: (port: number) => port !== BROKER_HTTP_PORT,
        }),
      }),
    ),
  },
  { description: "HTTP API for applications (docs/http.md), without authentication. Left out: it is not served." },
);

interface Ports {
  readonly http?: { readonly port?: number };
  readonly listeners?: readonly { readonly port: number }[];
}

/** A rule of spec, because listeners stand beside it. */
export const httpPortIsFree = {
  rule:
    "!has(self.http) || !has(self.http.port) || !has(self.listeners) || " +
    "self.listeners.all(one, one.port != self.http.port)",
  message: "must have an http.port that no listener has; choose another port",
  holds: ({ http, listeners = DEFAULT_LISTENERS }: Ports) =>
    http === undefined || listeners.every(({ port }) => port !== (http.port ?? HTTP_API_PORT)),
};
