import { text } from "node:stream/consumers";

/** What every verb is told; see test/conformance/driver.ts. */
export interface Task {
  readonly bootstrap: string;
  readonly topic: string;
  readonly prefix: string;
  readonly count: number;
  readonly codec: string;
  readonly idempotent: boolean;
  readonly sinceMs?: number;
  readonly group: string;
  readonly instance?: string;
  readonly assignor?: string;
  readonly reset?: "none";
  readonly commits?: "automatic";
  readonly config: Readonly<Record<string, string>>;
  readonly pairs: readonly (readonly [key: string, value: string | null])[];
}

type Name = "write" | "read" | "create" | "put" | "member" | "stream" | "make" | "drop" | "transact";
export type Driver = Readonly<Record<Name, Verb>>;
type Verb = (task: Task) => Promise<void>;

/** One line for the harness. */
export const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

/** Resolves when the harness says that the verb is to end. */
export const isToEnd = async (): Promise<void> => void (await text(process.stdin));

/** Sends `0`, `1`, `2`, … one after the other until it is to end. */
export async function streamed(send: (value: string) => Promise<unknown>): Promise<void> {
  let isOn = true;
  void isToEnd().then(() => (isOn = false));
  for (let acked = 0; isOn; ) {
    await send(`${acked}`);
    say({ acked: ++acked });
  }
}

/** Says with what words `transact` fails; nothing when it does not. */
export async function refusal(transact: () => Promise<unknown>): Promise<void> {
  try {
    await transact();
  } catch (error) {
    say({ refused: Error.isError(error) ? error.message : String(error) });
  }
}

/** Carries out the verb of the command line; what fails is said on the standard error, with exit code 1. */
export async function drive(driver: Driver): Promise<void> {
  const [verb, json] = process.argv.slice(2);
  try {
    await driver[verb as keyof Driver](JSON.parse(json ?? "{}") as Task);
    // Not before all of it is written: a pipe may take less at once.
    process.stdout.write(`${JSON.stringify({ done: true })}\n`, () => process.exit(0));
  } catch (error) {
    process.stderr.write(`${Error.isError(error) ? error.stack : String(error)}\n`);
    process.exit(1);
  }
}
