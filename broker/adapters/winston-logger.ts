import { createLogger, format, transports } from "winston";
import type { Logger } from "../base/logging.ts";

const levels = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof levels)[number];

export const isLogLevel = (value: unknown): value is LogLevel => levels.includes(value as LogLevel);

/** One JSON object a line on standard output: time, level, message, who, and the fields. */
export function winstonLogger(who: Record<string, unknown>, level: LogLevel): Logger {
  return createLogger({
    level,
    defaultMeta: who,
    format: format.combine(format.timestamp(), format.json()),
    transports: [new transports.Console()],
  });
}
