import type { Logger } from "../../base/logging.ts";
import type { Random } from "../../base/random.ts";
import type { BrokerContext } from "../../handlers/context.ts";
import type { Peers } from "../../peers/peers.ts";
import type { ApiMetrics } from "./api-metrics.ts";
import type { ByteBudget } from "./byte-budget.ts";
import type { Producer } from "./producer.ts";
import type { Readers } from "./readers.ts";

/** What the pages of the HTTP API work with. */
export interface Gateway {
  readonly broker: BrokerContext;
  readonly peers: Peers;
  readonly random: Random;
  /** Clients cause what is said in it. */
  readonly logger: Logger;
  readonly producer: Producer;
  readonly readers: Readers;
  readonly budget: ByteBudget;
  readonly metrics: ApiMetrics;
}
