import Type, { type Static } from "typebox";
import { closed, wholeNumber } from "./fields.ts";

/** Every condition of a Cluster; all of them are set from the first reconcile on. */
export const CLUSTER_CONDITIONS = [
  "Ready",
  "Progressing",
  "Degraded",
  "FullyReplicated",
  "ConfigApplied",
  "StorageResized",
  "RacksKnown",
  "ReconciliationPaused",
] as const;
export type ClusterConditionType = (typeof CLUSTER_CONDITIONS)[number];

/** Every condition of a Topic. */
export const TOPIC_CONDITIONS = ["Ready", "FullyReplicated", "Reassigning"] as const;
export type TopicConditionType = (typeof TOPIC_CONDITIONS)[number];

const conditionSchema = closed({
  type: Type.String({ minLength: 1, maxLength: 63, description: "What is spoken of." }),
  status: Type.Enum(["True", "False", "Unknown"], { type: "string", description: "Whether it holds." }),
  observedGeneration: Type.Optional(wholeNumber("Generation of the object that this was said of.")),
  lastTransitionTime: Type.String({ format: "date-time", description: "Since when the status is what it is." }),
  reason: Type.String({
    minLength: 1,
    maxLength: 256,
    pattern: "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$",
    description: "Why, in one word.",
  }),
  message: Type.String({ maxLength: 32_768, description: "Why, for people, and what to do next." }),
});
export type Condition = Static<typeof conditionSchema>;

export const conditionsSchema = Type.Array(conditionSchema, {
  maxItems: 16,
  description: "What holds of the object, one entry for each type.",
  "x-kubernetes-list-type": "map",
  "x-kubernetes-list-map-keys": ["type"],
});
