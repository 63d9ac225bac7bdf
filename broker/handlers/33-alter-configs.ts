import type { ConfigChange } from "../contract/control.ts";
import { alterConfigs, type AlterConfigsRequest } from "../wire/apis/33-alter-configs.ts";
import { alterConfigResources } from "./config-changes.ts";
import { handler } from "./handler.ts";

/*
 * AlterConfigs: 0–2, of topics and of brokers, at any broker; the controller decides. Kafka calls it deprecated since
 * IncrementalAlterConfigs; older clients have nothing else.
 *
 * Behaviour: one result for each resource asked for; of one resource everything is changed or nothing. What is not
 * named goes back to its default.
 */

type Asked = AlterConfigsRequest["resources"][number];

function changesOf({ configs }: Asked): { changes: ConfigChange[]; replaces: true } | string {
  const empty = configs.find(({ value }) => value === null);
  if (empty !== undefined) return `no value given for ${empty.name}`;
  return { changes: configs.map(({ name: key, value }) => ({ key, operation: "set", value })), replaces: true };
}

export const alterConfigsHandler = handler(
  alterConfigs,
  { served: { min: 0, max: 2 } },
  async (request, call, broker) => {
    call.answer({ throttleTimeMs: 0, responses: await alterConfigResources(broker, request, changesOf) });
  },
);
