import type { ConfigChange, ConfigResource, Outcome } from "../contract/control.ts";
import {
  incrementalAlterConfigs,
  type IncrementalAlterConfigsRequest,
  type IncrementalAlterConfigsResponse,
} from "../wire/apis/44-incremental-alter-configs.ts";
import { kafkaErrors } from "../wire/error-codes.ts";
import { askController, repeated } from "./admin-calls.ts";
import { resourceKind, resourceType, unknownResourceType } from "./config-resources.ts";
import type { BrokerContext } from "./context.ts";
import { type Call, handler } from "./handler.ts";

/*
 * IncrementalAlterConfigs: 0–1, of topics and of brokers, at any broker; the controller decides (KIP-339).
 *
 * Behaviour: one result for each resource asked for; of one resource all changes are made or none. What was not named
 * stays as it is.
 */

type Asked = IncrementalAlterConfigsRequest["resources"][number];

const operations: readonly ConfigChange["operation"][] = ["set", "delete", "append", "subtract"];
/** The controller's own limit is longer: a request names no time-out. */
const TIMEOUT_MS = 30_000;

async function alter(
  request: IncrementalAlterConfigsRequest,
  call: Call<IncrementalAlterConfigsResponse>,
  broker: BrokerContext,
): Promise<void> {
  const twice = repeated(request.resources.map(keyOf));
  const outcomes = new Map<string, Outcome>();
  const resources: (ConfigResource & { changes: ConfigChange[] })[] = [];
  for (const asked of request.resources) {
    const checked = twice.has(keyOf(asked)) ? refused("the resource is named twice") : changesOf(asked);
    if ("errorCode" in checked) outcomes.set(keyOf(asked), checked);
    else resources.push(checked);
  }
  if (resources.length > 0) {
    const { validateOnly } = request;
    const response = await askController(broker, { kind: "alterConfigs", resources, validateOnly }, TIMEOUT_MS);
    if (response.kind === "failed") for (const { kind, name } of resources) outcomes.set(keyFor(kind, name), response);
    else for (const outcome of response.resources) outcomes.set(keyFor(outcome.kind, outcome.name), outcome);
  }
  const asked = new Map(request.resources.map((one) => [keyOf(one), one]));
  const responses = [...asked].map(([key, { resourceType: type, resourceName }]) => {
    const { errorCode, errorMessage } = outcomes.get(key) ?? LEFT_OUT;
    return { errorCode, errorMessage, resourceType: type, resourceName };
  });
  call.answer({ throttleTimeMs: 0, responses });
}

const keyOf = ({ resourceType: type, resourceName }: Asked): string => `${type} ${resourceName}`;

const keyFor = (kind: ConfigResource["kind"], name: string): string => `${resourceType(kind)} ${name}`;

const refused = (errorMessage: string): Outcome => ({ errorCode: kafkaErrors.INVALID_REQUEST, errorMessage });

const LEFT_OUT: Outcome = {
  errorCode: kafkaErrors.UNKNOWN_SERVER_ERROR,
  errorMessage: "the controller left it out",
};

function changesOf({
  resourceType: type,
  resourceName: name,
  configs,
}: Asked): (ConfigResource & { changes: ConfigChange[] }) | Outcome {
  const kind = resourceKind(type);
  if (kind === undefined) return refused(unknownResourceType(type));
  const changes: ConfigChange[] = [];
  for (const { name: key, configOperation, value } of configs) {
    const operation = operations[configOperation];
    if (operation === undefined) return refused(`operation ${configOperation} on ${key} does not exist`);
    if (operation !== "delete" && value === null) return refused(`no value given for ${key}`);
    changes.push({ key, operation, value: operation === "delete" ? null : value });
  }
  return { kind, name, changes };
}

export const incrementalAlterConfigsHandler = handler(incrementalAlterConfigs, { served: { min: 0, max: 1 } }, alter);
