/** Structured logging as a port. `fields` never hold secrets or record contents. */
export interface Logger {
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}

export const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };
