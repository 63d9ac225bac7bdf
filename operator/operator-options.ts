import { TidemarkError } from "#base/errors.ts";
import { isLogLevel, type LogLevel } from "#adapters/winston-logger.ts";

/** What an operator process is told by its pod. */
export interface OperatorOptions {
  readonly podName: string;
  readonly podNamespace: string;
  readonly podUid: string;
  /** Where brokers reach it. */
  readonly podIp: string;
  /** Empty: all of them. */
  readonly watchNamespaces: readonly string[];
  /** For Clusters that name none. */
  readonly brokerImage: string;
  readonly logLevel: LogLevel;
}

/** @throws TidemarkError BAD_INPUT naming the variable and what it must be. */
export function operatorOptions(env: NodeJS.ProcessEnv): OperatorOptions {
  const need = (name: string): string => {
    const value = env[name] ?? "";
    if (value === "") throw new TidemarkError("BAD_INPUT", `${name} must be set; the chart sets it from the pod`);
    return value;
  };
  const logLevel = env["LOG_LEVEL"] ?? "info";
  if (!isLogLevel(logLevel)) throw new TidemarkError("BAD_INPUT", "LOG_LEVEL must be debug, info, warn or error");
  return {
    podName: need("POD_NAME"),
    podNamespace: need("POD_NAMESPACE"),
    podUid: need("POD_UID"),
    podIp: need("POD_IP"),
    watchNamespaces: (env["WATCH_NAMESPACES"] ?? "")
      .split(",")
      .flatMap((name) => (name.trim() === "" ? [] : [name.trim()])),
    brokerImage: need("BROKER_IMAGE"),
    logLevel,
  };
}
