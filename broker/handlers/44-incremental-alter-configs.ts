import type { ConfigChange } from "../contract/control.ts";
import {
  incrementalAlterConfigs,
  type IncrementalAlterConfigsRequest,
} from "../wire/apis/44-incremental-alter-configs.ts";
import { alterConfigResources } from "./config-changes.ts";
import { handler } from "./handler.ts";

/*
 * IncrementalAlterConfigs: 0–1, of topics and of brokers, at any broker; the controller decides (KIP-339).
 *
 * Behaviour: one result for each resource asked for; of one resource all changes are made or none. What was not named
 * stays as it is.
 */

type Asked = IncrementalAlterConfigsRequest["resources"][number];

const operations: readonly ConfigChange["operation"][] = ["set", "delete", "append", "subtract"];

function changesOf({ configs }: Asked): { changes: ConfigChange[] } | string {
  const changes: ConfigChange[] = [];
  for (const { name: key, configOperation, value } of configs) {
    const operation = operations[configOperation];
    if (operation === undefined) return `operation ${configOperation} on ${key} does not exist`;
    if (operation !== "delete" && value === null) return `no value given for ${key}`;
    changes.push({ key, operation, value: operation === "delete" ? null : value });
  }
  return { changes };
}

export const incrementalAlterConfigsHandler = handler(
  incrementalAlterConfigs,
  { served: { min: 0, max: 1 } },
  async (request, call, broker) => {
    call.answer({ throttleTimeMs: 0, responses: await alterConfigResources(broker, request, changesOf) });
  },
);
