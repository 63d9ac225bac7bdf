import { topicNameProblem } from "../contract/topic-name.ts";
import { kafkaErrors } from "../wire/error-codes.ts";
import { adopted, askController } from "./admin-calls.ts";
import type { BrokerContext } from "./context.ts";

/** Asking for metadata waits so long for a topic that it creates; then the client is told to ask again. */
const CREATION_MS_MAX = 1000;

/**
 * Creates topics that were asked for by name. Names with creations under way join them, so that a crowd of clients
 * that starts together asks the controller once.
 */
export class AutoCreator {
  readonly #creations = new Map<string, Promise<number>>();

  /**
   * Error for each name that is not there afterwards: INVALID_TOPIC_EXCEPTION, LEADER_NOT_AVAILABLE (ask again), or
   * why the controller refused.
   */
  async create(broker: BrokerContext, names: readonly string[]): Promise<Map<string, number>> {
    const errors = new Map<string, number>();
    const fresh: string[] = [];
    for (const name of names) {
      if (topicNameProblem(name) !== null) errors.set(name, kafkaErrors.INVALID_TOPIC_EXCEPTION);
      else if (!this.#creations.has(name)) fresh.push(name);
    }
    if (fresh.length > 0) this.#begin(broker, fresh);
    // Taken before the first await: a creation that ends is forgotten.
    const creations = names.map((name) => this.#creations.get(name));
    for (const [at, name] of names.entries()) {
      const errorCode = (await creations[at]) ?? 0;
      if (errorCode !== 0) errors.set(name, errorCode);
    }
    return errors;
  }

  #begin(broker: BrokerContext, names: readonly string[]): void {
    const all = this.#createAll(broker, names);
    for (const name of names) {
      this.#creations.set(
        name,
        all.then((errors) => errors.get(name) ?? 0),
      );
    }
    const forget = (): void => {
      for (const name of names) this.#creations.delete(name);
    };
    all.then(forget, forget);
  }

  async #createAll(broker: BrokerContext, names: readonly string[]): Promise<Map<string, number>> {
    const topics = names.map((name) => ({
      name,
      partitionCount: -1,
      replicationFactor: -1,
      assignments: null,
      config: {},
    }));
    const response = await askController(
      broker,
      { kind: "createTopics", topics, validateOnly: false },
      CREATION_MS_MAX,
    );
    if (response.kind === "failed") return new Map(names.map((name) => [name, kafkaErrors.LEADER_NOT_AVAILABLE]));
    await adopted(broker, () =>
      response.topics.every(({ name, errorCode }) => errorCode !== 0 || hasTopic(broker, name)),
    );
    const errors = new Map<string, number>();
    for (const { name, errorCode } of response.topics) {
      if (errorCode !== 0 && errorCode !== kafkaErrors.TOPIC_ALREADY_EXISTS) errors.set(name, errorCode);
      else if (!hasTopic(broker, name)) errors.set(name, kafkaErrors.LEADER_NOT_AVAILABLE);
    }
    return errors;
  }
}

const hasTopic = (broker: BrokerContext, name: string): boolean => broker.image.topicByName(name) !== undefined;
