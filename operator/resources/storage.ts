import Type from "typebox";
import { rules } from "./cel.ts";
import { closed, objectName, onKubernetes } from "./fields.ts";
import { quantitySchema } from "./quantity.ts";

interface Storage {
  readonly size?: string | number;
  readonly storageClass?: string;
  readonly ephemeral?: boolean;
}

const sizeOf = (storage: string): string => `quantity(string(${storage}.size))`;
const hasQuantity = (storage: string): string => `has(${storage}.size) && isQuantity(string(${storage}.size))`;

export const storageSchema = closed(
  {
    size: Type.Optional(
      quantitySchema(
        "Room for one broker's data; may grow, never shrink. In Kubernetes the size of its volume; " +
          "on one machine `up` warns when the disk has less free.",
      ),
    ),
    storageClass: Type.Optional({
      ...objectName("StorageClass of the volumes; the namespace's default when left out. Cannot change."),
      ...onKubernetes,
    }),
    ephemeral: Type.Optional(
      Type.Boolean({
        default: false,
        description: "Whether the data lies in the pod and goes with it, for tests. Cannot change.",
        ...onKubernetes,
      }),
    ),
    deletionPolicy: Type.Optional(
      Type.Enum(["Retain", "Delete"], {
        type: "string",
        default: "Retain",
        description:
          "What becomes of volumes and metadata when the Cluster is deleted. " +
          "Retain: they stay, and a Cluster of the same name takes them up. Delete: they go. " +
          "Either way a scale-down deletes the volumes of the brokers that it has drained.",
        ...onKubernetes,
      }),
    ),
  },
  {
    description: "Where brokers keep their data.",
    ...rules(
      {
        rule: "has(self.size) || (has(self.ephemeral) && self.ephemeral)",
        message: "must say size, such as 10Gi, or ephemeral: true for data that goes with its pod",
      },
      {
        rule: "!(has(self.ephemeral) && self.ephemeral) || !has(self.storageClass)",
        message: "must not have both ephemeral: true and a storageClass: ephemeral data is on no volume; remove one",
        holds: (storage: Storage) => storage.ephemeral !== true || storage.storageClass === undefined,
      },
      {
        // A size that was no quantity is no bar to writing one.
        rule:
          `!(${hasQuantity("oldSelf")}) || (has(self.size) && (!isQuantity(string(self.size)) || ` +
          `${sizeOf("self")}.compareTo(${sizeOf("oldSelf")}) >= 0))`,
        message: "must not have a smaller size than before: volumes cannot shrink; set the old size or a greater one",
      },
      {
        rule:
          "has(self.storageClass) == has(oldSelf.storageClass) && " +
          "(!has(self.storageClass) || self.storageClass == oldSelf.storageClass)",
        message: "must keep its storageClass: a volume cannot change its class; set the old one",
      },
      {
        rule: "(has(self.ephemeral) && self.ephemeral) == (has(oldSelf.ephemeral) && oldSelf.ephemeral)",
        message: "must keep ephemeral as it was: data does not move; make a new Cluster and copy the topics",
      },
    ),
  },
);
