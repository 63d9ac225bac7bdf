import type { V1ConfigMap } from "@kubernetes/client-node";

/*
 * What the machine plays for the cluster can be switched while it runs, through a ConfigMap, so that a scenario in
 * another process can take it away or make it fail.
 */

export const SWITCHES_NAMESPACE = "kube-system";
export const SWITCHES_NAME = "tidemark-infrastructure";
export const STORAGE_CLASS = "tidemark-local";
export const PROVISIONER = "tidemark.dev/local";

/** `off`: what is asked for waits. `fail`: it is refused, with an Event on who asked. */
export type Switch = "on" | "off" | "fail";

export interface Switches {
  readonly provisioner: Switch;
  readonly resizer: Switch;
  readonly loadBalancer: Switch;
}

const isSwitch = (value: unknown): value is Switch => value === "on" || value === "off" || value === "fail";

/** Everything is on that is not switched. */
export function switchesOf(map: V1ConfigMap | undefined): Switches {
  const read = (name: keyof Switches): Switch => {
    const value = map?.data?.[name];
    return isSwitch(value) ? value : "on";
  };
  return { provisioner: read("provisioner"), resizer: read("resizer"), loadBalancer: read("loadBalancer") };
}
