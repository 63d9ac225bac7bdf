/**
 * The table of docs/architecture.md: who may import whom. A room is a folder (the longest prefix wins); `may` names
 * folders, or single files without their suffix. To change what a room may import, change its row here in the same
 * commit and say why.
 */
export interface Room {
  readonly path: string;
  readonly may: readonly string[];
  /** What to do instead, said to whoever breaks the row. */
  readonly door: string;
}

const brokerRooms = [
  "broker/base",
  "broker/ports",
  "broker/config",
  "broker/wire",
  "broker/contract",
  "broker/control",
  "broker/storage",
  "broker/replication",
  "broker/groups",
  "broker/transactions",
  "broker/handlers",
  "broker/server",
  "broker/peers",
  "broker/http",
  "broker/adapters",
];
const operatorRooms = [
  "operator/machine",
  "operator/controller",
  "operator/resources",
  "operator/reconcilers",
  "operator/specs",
  "operator/ports",
  "operator/adapters",
  "operator/cli",
];
const doors = ["broker/base", "broker/contract"];

export const rooms: readonly Room[] = [
  {
    path: "broker/base",
    may: [],
    door: "base imports nothing of ours: what knows Kafka or disks belongs to a room above",
  },
  { path: "broker/ports", may: ["broker/base"], door: "a port speaks in terms of broker/base only" },
  { path: "broker/config", may: ["broker/base"], door: "config hands out plain values: let the caller combine them" },
  {
    path: "broker/wire",
    may: ["broker/base"],
    door: "wire turns bytes into values and back: sockets are in broker/server",
  },
  {
    path: "broker/contract",
    may: ["broker/base"],
    door: "what broker and operator say to each other stands in broker/contract itself",
  },
  {
    path: "broker/control",
    may: ["broker/base", "broker/ports", "broker/config", "broker/contract"],
    door: "the session with the controller speaks broker/contract; what follows from a row is decided above",
  },
  {
    path: "broker/storage",
    may: [
      "broker/base",
      "broker/ports",
      "broker/config",
      "broker/wire/record-batch",
      "broker/wire/record-batch-records",
      // Compaction takes records out of batches.
      "broker/wire/record-filter",
    ],
    door: "take plain values as arguments; of wire only its record batches; the disk is broker/ports/disk.ts",
  },
  {
    path: "broker/replication",
    may: [
      "broker/base",
      "broker/ports",
      "broker/config",
      "broker/contract",
      "broker/storage",
      "broker/wire/record-batch",
    ],
    door: "replication answers values; broker/handlers turns them into Kafka's responses; of wire only record batches",
  },
  {
    path: "broker/groups",
    may: ["broker/base", "broker/ports", "broker/config", "broker/wire", "broker/replication"],
    door: "a coordinator appends and reads through broker/replication, never through broker/storage",
  },
  {
    path: "broker/transactions",
    may: ["broker/base", "broker/ports", "broker/config", "broker/wire", "broker/replication"],
    door: "a coordinator appends and reads through broker/replication, never through broker/storage",
  },
  {
    path: "broker/handlers",
    may: [
      "broker/base",
      "broker/ports",
      "broker/config",
      "broker/wire",
      "broker/contract",
      "broker/control",
      "broker/replication",
      "broker/groups",
      "broker/transactions",
    ],
    door: "a handler validates, calls one room below it and fills the response: storage is reached through replication",
  },
  {
    path: "broker/server",
    may: [
      "broker/base",
      "broker/ports",
      "broker/config",
      "broker/wire",
      "broker/handlers/table",
      "broker/handlers/handler",
      "broker/handlers/context",
    ],
    door: "the server knows the handlers through broker/handlers/table.ts (handler.ts and context.ts are its terms)",
  },
  {
    path: "broker/peers",
    // A request to this very broker takes the handler that a connection would; frames are cut as the server cuts them.
    may: [
      "broker/base",
      "broker/ports",
      "broker/wire",
      "broker/contract",
      "broker/server/frames",
      "broker/handlers/table",
      "broker/handlers/handler",
      "broker/handlers/context",
    ],
    door: "peers ask brokers by Kafka's protocol and know nothing of what is asked",
  },
  {
    path: "broker/http/api",
    // It is a Kafka client like any other: what it asks for goes through broker/peers, here or at another broker.
    // Which partition has a group is what coordinators say.
    may: [
      "broker/base",
      "broker/contract",
      "broker/wire",
      "broker/groups/coordinator",
      "broker/handlers/context",
      "broker/handlers/internal-topics",
      "broker/peers",
    ],
    door: "the HTTP API asks brokers through broker/peers; what the metadata says is in the context",
  },
  {
    path: "broker/http",
    may: [
      "broker/base",
      "broker/ports",
      "broker/config",
      "broker/contract",
      "broker/storage",
      "broker/replication",
      "broker/groups",
      "broker/transactions",
    ],
    door: "HTTP shows the rooms; Kafka's protocol is in broker/wire and broker/server",
  },
  {
    path: "broker/adapters",
    may: ["broker/base", "broker/ports", "broker/contract"],
    door: "an adapter implements a port of broker/ports: declare the port there",
  },
  {
    path: "broker",
    may: brokerRooms,
    door: "the broker never imports the operator: what both say is in broker/contract",
  },
  {
    path: "operator/machine",
    may: doors,
    door: "the machine is pure: take the value as an event's field; the broker is seen through #base/* and #contract/*",
  },
  {
    path: "operator/controller",
    // Its streams, probes and posts are the ones that brokers use.
    may: [...doors, "broker/ports", "operator/machine", "operator/ports"],
    door: "declare a port in operator/ports; its adapters are handed in by the entry",
  },
  {
    path: "operator/resources",
    may: ["broker/base"],
    door: "resources hold schemas only: act on them in a reconciler",
  },
  {
    path: "operator/reconcilers",
    // Rows and requests are what a cluster's controller shows and takes.
    may: [...doors, "operator/ports", "operator/resources", "operator/machine", "operator/specs"],
    door: "declare a port in operator/ports; its adapters are handed in by the entry",
  },
  {
    path: "operator/specs",
    // Which of Kafka's keys brokers read at their start only stands in the contract.
    may: [...doors, "operator/ports", "operator/resources", "operator/machine"],
    door: "a spec builder is pure: what it needs is an argument",
  },
  {
    path: "operator/ports",
    may: [...doors, "operator/machine", "operator/resources"],
    door: "a port is an interface: the shell that uses it stands in another room",
  },
  {
    path: "operator/adapters",
    // The local store stands on the same Disk port as a broker's log; the command asks over the same small HTTP.
    may: [
      ...doors,
      "broker/ports",
      "broker/adapters/node-http",
      "operator/ports",
      "operator/machine",
      "operator/resources",
    ],
    door: "an adapter implements a port of operator/ports: declare the port there",
  },
  {
    path: "operator",
    // An entry composes: it hands the broker's adapters to rooms that know their ports only.
    may: [...doors, "broker/ports", "broker/adapters", ...operatorRooms],
    door: "the operator enters the broker through #base/* and #contract/*; #ports/* and #adapters/* are for entries",
  },
  {
    path: "charts",
    // What the chart says of metrics and resources is written from where they are declared.
    may: ["broker", "operator", "charts"],
    door: "packaging is made from broker and operator, and knows nothing of tests",
  },
  {
    path: "test",
    may: ["broker", "operator", "test", "examples", "bench", "charts"],
    door: "tests may import everything",
  },
  {
    path: "test/conformance",
    // It starts what users start and looks at the controller and at bytes on disk, with eyes that no client lends it.
    may: [
      "broker/wire/record-batch",
      "operator/adapters/process/controller-client",
      "operator/adapters/process/free-port",
      "operator/cli/running",
      "operator/cli/stand-ins/site",
    ],
    door: "drivers know their client only; what holds of brokers is asked through test/conformance/cluster.ts",
  },
  {
    path: "bench",
    may: ["broker", "operator/adapters/process", "bench"],
    door: "a bench measures one room, or what users have: the command, a client, free ports",
  },
  { path: "examples", may: ["broker/base", "examples"], door: "an example uses the system as its users do" },
];

/** Files of state and arithmetic: no await, clock, randomness, logging or metrics. */
export const isPure = (path: string): boolean =>
  !path.endsWith(".test.ts") &&
  (path.startsWith("operator/machine/") ||
    path.startsWith("operator/specs/") ||
    (path.startsWith("broker/") && /(^|\/)([\w-]+-state|progress|high-watermark)\.ts$/.test(path)));
