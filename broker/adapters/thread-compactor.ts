import { getPriority, setPriority } from "node:os";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { type ErrorCode, isTidemarkError, TidemarkError } from "../base/errors.ts";
import type { Compactor, KeyJob, KeyResult, RewriteJob, RewriteResult } from "../ports/compactor.ts";
import { reasonOf } from "./process-end.ts";

/** Bytes of V8's own heap in the thread; keys and blocks lie outside it. */
const HEAP_MB_MAX = 64;

type Asked =
  | { readonly kind: "findKeys"; readonly job: KeyJob }
  | { readonly kind: "rewrite"; readonly job: RewriteJob };

type Answer =
  | { readonly kind: "result"; readonly result: unknown }
  | { readonly kind: "failed"; readonly code: ErrorCode; readonly message: string };

/**
 * A compactor in a thread of its own, begun with each run and ended with it: between runs it costs nothing, and a run
 * leaves no memory behind. `program` is the thread's entry, which calls {@link serveCompactor}.
 */
export class ThreadCompactor implements Compactor {
  readonly #program: URL;
  readonly #dataFolder: string;
  #worker: Worker | null = null;
  /** Tells whoever waits that no answer will come; once there was one, nobody listens. */
  #end: (why: string) => void = () => undefined;

  constructor(program: URL, dataFolder: string) {
    this.#program = program;
    this.#dataFolder = dataFolder;
  }

  findKeys(job: KeyJob): Promise<KeyResult> {
    return this.#ask<KeyResult>({ kind: "findKeys", job });
  }

  rewrite(job: RewriteJob): Promise<RewriteResult> {
    return this.#ask<RewriteResult>({ kind: "rewrite", job });
  }

  release(): void {
    const worker = this.#worker;
    this.#worker = null;
    void worker?.terminate();
  }

  #ask<T>(asked: Asked): Promise<T> {
    this.#worker ??= this.#start();
    const worker = this.#worker;
    return new Promise<T>((resolve, reject) => {
      this.#end = (why) => reject(new TidemarkError("LOG_CORRUPT", `the thread that compacts has ended: ${why}`));
      worker.once("message", (answer: Answer) => conclude(answer, resolve, reject));
      worker.postMessage(asked);
    });
  }

  #start(): Worker {
    const worker = new Worker(this.#program, {
      workerData: this.#dataFolder,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB_MAX },
    });
    const ended = (why: string): void => {
      // One that was let go ends, too, when another may have begun.
      if (this.#worker !== worker) return;
      this.#worker = null;
      this.#end(why);
    };
    worker.on("error", (error) => ended(reasonOf(error)));
    worker.on("exit", (code) => ended(`exit code ${code}`));
    return worker;
  }
}

function conclude<T>(answer: Answer, resolve: (result: T) => void, reject: (error: Error) => void): void {
  if (answer.kind === "result") return resolve(answer.result as T);
  reject(new TidemarkError(answer.code, answer.message));
}

/** Of the scheduler's steps: where the rest of the broker wants the same core, the thread is given a tenth of it. */
const STEPS_BEHIND = 10;
const STEPS_MAX = 19;

/** Linux has priorities for threads; elsewhere they are the whole process's, which stays as it is. */
function standBehind(): void {
  if (process.platform === "linux") setPriority(Math.min(STEPS_MAX, getPriority() + STEPS_BEHIND));
}

/** The thread's side: does one job after the other with the compactor for the data folder that it is given. */
export function serveCompactor(compactorFor: (dataFolder: string) => Compactor): void {
  const port = parentPort;
  if (isMainThread || port === null) throw new Error("this program is a thread of a broker's");
  standBehind();
  const compactor = compactorFor(workerData as string);
  port.on("message", (asked: Asked) => {
    const work: Promise<unknown> =
      asked.kind === "findKeys" ? compactor.findKeys(asked.job) : compactor.rewrite(asked.job);
    work.then(
      (result) => port.postMessage({ kind: "result", result } satisfies Answer),
      (error: unknown) => port.postMessage(failureOf(error)),
    );
  });
}

/** What the thread stumbles over has harmed nobody else: the log is as it was, and only cannot be compacted. */
const failureOf = (error: unknown): Answer => ({
  kind: "failed",
  code: isTidemarkError(error) ? error.code : "LOG_CORRUPT",
  message: reasonOf(error),
});
