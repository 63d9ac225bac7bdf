import type { Feature } from "./features/feature.ts";
import type { Installed } from "./install.ts";

/** A client library, or a program that speaks Kafka: how it is had, and what it lacks by itself. */
export interface Client {
  readonly name: string;
  readonly language: string;
  /** Fetches and builds what it needs, once; `ok: false` with the reason where this machine has not what that takes. */
  install(): Promise<Installed>;
  /** What is asked of it, in the order of the page. */
  readonly features: readonly Feature[];
  /** Features that the client does not have, with one line that says so. All others are run. */
  readonly lacks: Readonly<Record<string, string>>;
}
