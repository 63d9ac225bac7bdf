import type { AdminRequest, ConfigResource, Outcome } from "../contract/control.ts";
import { kafkaErrors } from "../wire/error-codes.ts";
import { askController, repeated } from "./admin-calls.ts";
import { resourceKind, resourceType, unknownResourceType } from "./config-resources.ts";
import type { BrokerContext } from "./context.ts";

export type Alteration = Extract<AdminRequest, { kind: "alterConfigs" }>["resources"][number];

/** A resource as AlterConfigs and IncrementalAlterConfigs name it. */
interface Named {
  readonly resourceType: number;
  readonly resourceName: string;
}

export interface AlterAnswer extends Outcome {
  readonly resourceType: number;
  readonly resourceName: string;
}

/** The controller's own limit is longer: a request names no time-out. */
const TIMEOUT_MS = 30_000;

/** Has the controller change resources: one answer for each that is named; of one, all changes are made or none. */
export async function alterConfigResources<Asked extends Named>(
  broker: BrokerContext,
  request: { readonly resources: readonly Asked[]; readonly validateOnly: boolean },
  changesOf: (asked: Asked) => Pick<Alteration, "changes" | "replaces"> | string,
): Promise<AlterAnswer[]> {
  const twice = repeated(request.resources.map(keyOf));
  const outcomes = new Map<string, Outcome>();
  const resources: Alteration[] = [];
  for (const asked of request.resources) {
    const checked = twice.has(keyOf(asked)) ? "the resource is named twice" : checkedOf(asked, changesOf);
    if (typeof checked === "string") {
      outcomes.set(keyOf(asked), { errorCode: kafkaErrors.INVALID_REQUEST, errorMessage: checked });
    } else resources.push(checked);
  }
  if (resources.length > 0) {
    const { validateOnly } = request;
    const response = await askController(broker, { kind: "alterConfigs", resources, validateOnly }, TIMEOUT_MS);
    if (response.kind === "failed") for (const { kind, name } of resources) outcomes.set(keyFor(kind, name), response);
    else for (const outcome of response.resources) outcomes.set(keyFor(outcome.kind, outcome.name), outcome);
  }
  const named = new Map(request.resources.map((one) => [keyOf(one), one]));
  return [...named].map(([key, { resourceType: type, resourceName }]) => {
    const { errorCode, errorMessage } = outcomes.get(key) ?? LEFT_OUT;
    return { errorCode, errorMessage, resourceType: type, resourceName };
  });
}

function checkedOf<Asked extends Named>(
  asked: Asked,
  changesOf: (asked: Asked) => Pick<Alteration, "changes" | "replaces"> | string,
): Alteration | string {
  const kind = resourceKind(asked.resourceType);
  if (kind === undefined) return unknownResourceType(asked.resourceType);
  const changes = changesOf(asked);
  return typeof changes === "string" ? changes : { kind, name: asked.resourceName, ...changes };
}

const keyOf = ({ resourceType: type, resourceName }: Named): string => `${type} ${resourceName}`;

const keyFor = (kind: ConfigResource["kind"], name: string): string => `${resourceType(kind)} ${name}`;

const LEFT_OUT: Outcome = {
  errorCode: kafkaErrors.UNKNOWN_SERVER_ERROR,
  errorMessage: "the controller left it out",
};
