/**
 * A request that is not done, as REST Proxy v2 says it: the status, and a body of `error_code` and `message`. Its
 * longer codes begin with the status. Source: Confluent REST Proxy API reference, "Errors".
 */
export class Refusal {
  readonly status: number;
  readonly errorCode: number;
  readonly message: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    { status, errorCode = status }: { status: number; errorCode?: number },
    message: string,
    headers: Readonly<Record<string, string>> = {},
  ) {
    this.status = status;
    this.errorCode = errorCode;
    this.message = message;
    this.headers = headers;
  }

  get body(): { readonly error_code: number; readonly message: string } {
    return { error_code: this.errorCode, message: this.message };
  }
}

export const isRefusal = (value: unknown): value is Refusal => value instanceof Refusal;

/** Codes of errors that stand within an answer, or in a stream that has begun. */
export const KAFKA_ERROR = 50002;
export const KAFKA_RETRIABLE_ERROR = 50003;

export const badRequest = (message: string): Refusal => new Refusal({ status: 400 }, message);
export const noSuchPage = (): Refusal => new Refusal({ status: 404 }, "HTTP 404 Not Found");
export const topicNotFound = (): Refusal => new Refusal({ status: 404, errorCode: 40401 }, "Topic not found.");
export const partitionNotFound = (): Refusal => new Refusal({ status: 404, errorCode: 40402 }, "Partition not found.");
export const methodNotAllowed = (allowed: readonly string[]): Refusal =>
  new Refusal({ status: 405 }, "HTTP 405 Method Not Allowed", { allow: allowed.join(", ") });
export const notAcceptable = (served: string): Refusal =>
  new Refusal({ status: 406 }, `HTTP 406 Not Acceptable: this answers ${served}`);
export const conflict = (message: string): Refusal => new Refusal({ status: 409 }, message);
export const bodyTooLarge = (bytesMax: number): Refusal =>
  new Refusal({ status: 413 }, `the body is larger than ${bytesMax} bytes; send less at once`);
export const unsupportedMediaType = (why: string): Refusal =>
  new Refusal({ status: 415 }, `HTTP 415 Unsupported Media Type: ${why}`);
export const unprocessable = (message: string): Refusal => new Refusal({ status: 422 }, message);
/** Nothing was done; the same request may be sent again. */
export const tryAgain = (message: string): Refusal =>
  new Refusal({ status: 503, errorCode: KAFKA_RETRIABLE_ERROR }, message, { "retry-after": "1" });
