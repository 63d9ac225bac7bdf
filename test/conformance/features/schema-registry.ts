import { freePorts } from "../../../operator/adapters/process/free-port.ts";
import { until } from "../cluster.ts";
import { type Command, Program } from "../program.ts";
import type { Bench, Feature } from "./feature.ts";

const LIMIT_MS = 300_000;
const SCHEMAS = "_schemas";
const SUBJECT = "tide-value";

const schemaOf = (...fields: readonly string[]): string =>
  JSON.stringify({ type: "record", name: "Tide", fields: fields.map((name) => ({ name, type: "long", default: 0 })) });

/** What is registered, version by version. */
const versions = [schemaOf("at"), schemaOf("at", "height"), schemaOf("at", "height", "place")] as const;

/** A running registry, asked in the REST dialect of Confluent's. */
class Registry {
  readonly #program: Program;
  readonly #url: string;

  private constructor(program: Program, port: number) {
    this.#program = program;
    this.#url = `http://127.0.0.1:${port}/apis/ccompat/v7/subjects/${SUBJECT}/versions`;
  }

  /** A process that knows nothing but where the cluster is and what its topic is called. */
  static async start({ cluster, command }: Pick<Bench, "cluster" | "command">): Promise<Registry> {
    const [port] = (await freePorts("127.0.0.1", 1)) as [number];
    const settings = {
      "apicurio.storage.kind": "kafkasql",
      "apicurio.kafkasql.bootstrap.servers": cluster.bootstrap,
      "apicurio.kafkasql.topic": SCHEMAS,
      "quarkus.http.host": "127.0.0.1",
      "quarkus.http.port": `${port}`,
    };
    return new Registry(new Program(withSettings(command, settings), [], LIMIT_MS), port);
  }

  /** What it answers; null while it cannot, or answers with an error. */
  async #ask(page: string, body?: object): Promise<unknown> {
    if (this.#program.hasEnded) throw new Error(this.#program.complaint());
    const how = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
    const headers = { "content-type": "application/json" };
    try {
      const response = await fetch(`${this.#url}${page}`, { ...how, headers, signal: AbortSignal.timeout(20_000) });
      return response.ok ? await response.json() : null;
    } catch {
      // It is not up yet, or waits for a broker: whoever asks looks again.
      return null;
    }
  }

  /** Registers a schema; the same one again is the same version. */
  async register(schema: string): Promise<void> {
    await until("a schema is registered", async () => (await this.#ask("", { schema })) !== null);
  }

  /** Resolves once exactly the first `count` of `versions` are there, each as it was registered. */
  async has(count: number): Promise<void> {
    const wanted = JSON.stringify([counted(count), versions.slice(0, count)]);
    await until(`the registry has ${wanted}`, async () => JSON.stringify(await this.#listed()) === wanted);
  }

  /** The numbers of the versions, and the schema of each. */
  async #listed(): Promise<readonly [unknown, readonly unknown[]]> {
    const numbers = (await this.#ask("")) as readonly number[] | null;
    const schemas: unknown[] = [];
    for (const number of numbers ?? []) {
      const answer = (await this.#ask(`/${number}`)) as { readonly schema?: string } | null;
      schemas.push(answer?.schema);
    }
    return [numbers, schemas];
  }

  /** kill -9, to its end. */
  async kill(): Promise<void> {
    this.#program.kill();
    await this.#program.end();
  }
}

const counted = (count: number): number[] => Array.from({ length: count }, (_, n) => n + 1);

/** Settings are properties of the virtual machine, in front of the program. */
const withSettings = (command: Command, settings: Readonly<Record<string, string>>): Command => ({
  ...command,
  args: [...Object.entries(settings).map(([name, value]) => `-D${name}=${value}`), ...command.args],
});

async function keepSchemas(bench: Bench): Promise<void> {
  const { cluster } = bench;
  const first = await Registry.start(bench);
  await first.register(versions[0]);
  await until(`${SCHEMAS} is whole`, () => cluster.isWhole(SCHEMAS));
  await cluster.killLeader(SCHEMAS);
  await first.register(versions[1]);
  await first.has(2);
  await first.kill();
  await until("the killed broker is back", () => cluster.isWhole(SCHEMAS));
  await cluster.killLeader(SCHEMAS);
  const second = await Registry.start(bench);
  await second.has(2);
  await second.register(versions[2]);
  await second.has(3);
  await second.kill();
  await until("the killed broker is back", () => cluster.isWhole(SCHEMAS));
}

export const schemaRegistry: readonly Feature[] = [
  {
    name: "schemas in a topic",
    what:
      `The registry keeps schemas in the topic ${SCHEMAS}: a version is registered, the topic's leader killed, a ` +
      "second registered, the registry killed, the next leader too; a registry with nothing but the topic has both " +
      "versions, and takes a third.",
    run: keepSchemas,
  },
];
