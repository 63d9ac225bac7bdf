import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { dashboards } from "../dashboards/all.ts";
import { chartCrd } from "./crds.ts";
import { chartReadme } from "./readme.ts";
import { knownMetrics, metricsTables } from "./registry.ts";

/** A file that is written from others; its path is relative to the repository. */
export interface Generated {
  readonly path: string;
  readonly text: string;
}

/** Folders that hold generated files only: what is there and not generated any more has to go. */
export const generatedFolders = ["charts/tidemark/files/crds", "charts/tidemark/dashboards"];

/** Everything in the chart that is written from elsewhere in the repository. */
export function generatedFiles(root: string): Generated[] {
  const read = (name: string): string => readFileSync(path.join(root, name), "utf8");
  const crdFolder = path.join(root, "crds");
  const names = existsSync(crdFolder) ? readdirSync(crdFolder).filter((name) => name.endsWith(".yaml")) : [];
  const crds = names.sort().map((name) => ({
    path: `charts/tidemark/files/crds/${name}`,
    text: chartCrd(read(`crds/${name}`), `crds/${name}`),
  }));
  const readme = chartReadme(read("charts/generate/README.template.md"), read("charts/tidemark/values.yaml"));
  const header = "<!-- Written by `make chart` from the metrics that broker and operator make. -->\n";
  const metrics = read("charts/generate/metrics.template.md").replace("<!-- metrics -->\n", () =>
    metricsTables(knownMetrics()),
  );
  return [
    ...crds,
    { path: "charts/tidemark/README.md", text: readme },
    { path: "docs/metrics.md", text: header + metrics },
    ...Object.entries(dashboards).map(([name, dashboard]) => ({
      path: `charts/tidemark/dashboards/${name}.json`,
      text: `${JSON.stringify(dashboard, null, 2)}\n`,
    })),
  ];
}

/** Files that stand in a generated folder and come from nowhere. */
export function leftovers(root: string, generated: readonly Generated[]): string[] {
  const known = new Set(generated.map((file) => file.path));
  return generatedFolders.flatMap((folder) => {
    const at = path.join(root, folder);
    if (!existsSync(at)) return [];
    return readdirSync(at)
      .map((name) => `${folder}/${name}`)
      .filter((name) => !known.has(name));
  });
}
