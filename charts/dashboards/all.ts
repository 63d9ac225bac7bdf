import type { Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";
import { broker } from "./broker.ts";
import { cluster } from "./cluster.ts";
import { controller } from "./controller.ts";
import { topic } from "./topic.ts";

/** The dashboards that the chart ships, by file name. */
export const dashboards: Readonly<Record<string, Dashboard>> = { broker, cluster, controller, topic };

/** Each query of a dashboard with the panel that asks it. */
export function queriesOf(dashboard: Dashboard): { readonly panel: string; readonly query: string }[] {
  interface Asking {
    readonly title?: string;
    readonly targets?: readonly { readonly expr?: string }[];
  }
  return ((dashboard.panels ?? []) as readonly Asking[]).flatMap(({ title = "", targets = [] }) =>
    targets.map(({ expr = "" }) => ({ panel: title, query: expr })),
  );
}
