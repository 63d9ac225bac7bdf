import { assert } from "#base/assert.ts";
import type { ConfigMap } from "#contract/config-values.ts";
import type { MetadataVersion } from "#contract/rows.ts";
import { apply, applyAll, draftOf } from "../machine/apply.ts";
import type { Change } from "../machine/changes.ts";
import { decide } from "../machine/decide.ts";
import type { Answer } from "../machine/decision.ts";
import type { Event } from "../machine/events.ts";
import { checkInvariants } from "../machine/invariants.ts";
import type { State } from "../machine/state.ts";
import type { Committer } from "./committer.ts";

interface Task {
  readonly event: Event;
  readonly done: (answer: Answer | null) => void;
}

export interface QueueHandlers {
  /** After each commit, before any answer that follows from it. */
  onCommitted(changes: readonly Change[], states: { before: State; after: State }): void;
  /** Another controller took over. */
  onDeposed(): void;
  /** The store failed for good, or an invariant broke: the process must end. */
  onFatal(error: unknown): void;
}

/** So many waiting events share one write at most. */
const BATCH_MAX = 1000;

/**
 * The one queue of the controller: decide, check, commit, adopt, and only then answer. What waits while a write is in
 * flight is decided together and goes into one write.
 */
export class DecisionQueue {
  readonly #committer: Committer;
  readonly #handlers: QueueHandlers;
  #state: State;
  #tasks: Task[] = [];
  #isRunning = false;
  #isClosed = false;

  constructor(committer: Committer, options: { state: State; handlers: QueueHandlers }) {
    this.#committer = committer;
    this.#state = options.state;
    this.#handlers = options.handlers;
  }

  /** What is committed. */
  get state(): State {
    return this.#state;
  }

  /** What the brokers are started with is given, not committed; the next decision knows it. */
  configure(staticConfig: ConfigMap): void {
    this.#state = { ...this.#state, staticConfig };
    this.submit({ kind: "circumstancesChanged" });
  }

  /** `done` gets the answer once everything that led to it is durable; null when this controller decides no more. */
  submit(event: Event, done: (answer: Answer | null) => void = () => {}): void {
    if (this.#isClosed) {
      done(null);
      return;
    }
    this.#tasks.push({ event, done });
    if (this.#isRunning) return;
    this.#isRunning = true;
    queueMicrotask(() => void this.#run());
  }

  /** Nothing is decided any more; what waits is answered with null. */
  close(): void {
    this.#isClosed = true;
    const tasks = this.#tasks;
    this.#tasks = [];
    for (const { done } of tasks) done(null);
  }

  async #run(): Promise<void> {
    try {
      while (this.#tasks.length > 0) await this.#step();
    } catch (error) {
      this.close();
      this.#handlers.onFatal(error);
    } finally {
      this.#isRunning = false;
    }
  }

  /** Decides the next event, together with those after it that fit into the same write. */
  async #step(): Promise<void> {
    const draft = draftOf(this.#state);
    const changes: Change[] = [];
    const answered: { task: Task; answer: Answer }[] = [];
    while (answered.length < BATCH_MAX) {
      const task = this.#tasks[answered.length];
      if (task === undefined) break;
      const { commits, answer } = decide(draft, task.event);
      if (commits.length > 1) {
        // Several commits in an order of their own: alone, and on the committed state.
        if (answered.length > 0) break;
        this.#tasks.shift();
        return await this.#commitEach(commits, { task, answer });
      }
      applyAll(draft, commits[0] ?? []);
      changes.push(...(commits[0] ?? []));
      answered.push({ task, answer });
    }
    this.#tasks.splice(0, answered.length);
    let isCommitted = changes.length === 0;
    try {
      isCommitted ||= await this.#commit(changes);
    } finally {
      // Also when the store failed for good: whoever asked must not wait for ever.
      for (const { task, answer } of answered) task.done(isCommitted ? answer : null);
    }
  }

  async #commitEach(
    commits: readonly (readonly Change[])[],
    { task, answer }: { task: Task; answer: Answer },
  ): Promise<void> {
    let isCommitted = false;
    try {
      for (const changes of commits) {
        isCommitted = await this.#commit(changes);
        if (!isCommitted) break;
      }
    } finally {
      task.done(isCommitted ? answer : null);
    }
  }

  async #commit(changes: readonly Change[]): Promise<boolean> {
    assert(!this.#isClosed, "a closed queue commits nothing");
    checkInvariants(this.#state, changes);
    const expected = this.#state.version;
    const version: MetadataVersion = { ...expected, sequence: expected.sequence + 1 };
    const settled = await this.#committer.commit({ expected, version, changes });
    if (settled !== "committed" || this.#isClosed) {
      const wasOpen = !this.#isClosed;
      this.close();
      if (settled === "deposed" && wasOpen) this.#handlers.onDeposed();
      return false;
    }
    const before = this.#state;
    this.#state = apply(before, changes, version);
    this.#handlers.onCommitted(changes, { before, after: this.#state });
    return true;
  }
}
