import { createHash } from "node:crypto";
import { tarOf, type TarEntry } from "./tar.ts";

/** What an image says of itself. */
export interface ImageDescription {
  /** Full name with its tag, as containerd wants it: docker.io/local/tidemark:0.1.0. */
  readonly reference: string;
  readonly architecture: string;
  readonly user: string;
  readonly workingFolder: string;
  readonly entrypoint: readonly string[];
  readonly environment: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** Lowest first. */
  readonly layers: readonly { readonly comment: string; readonly entries: readonly TarEntry[] }[];
}

/** An image as one archive, and the digest of its configuration: its id wherever it is loaded. */
export interface ImageArchive {
  readonly content: Buffer;
  readonly id: string;
}

const sha256 = (content: Buffer): string => createHash("sha256").update(content).digest("hex");

const epoch = "1970-01-01T00:00:00Z";

/** Builds a docker-archive, which `ctr images import`, `docker load`, `kind load` and `skopeo` read. */
export function imageArchive(image: ImageDescription): ImageArchive {
  const layers = image.layers.map(({ comment, entries }) => {
    const content = tarOf(entries);
    return { comment, content, digest: sha256(content) };
  });
  const configuration = Buffer.from(
    JSON.stringify({
      architecture: image.architecture,
      os: "linux",
      created: epoch,
      config: {
        User: image.user,
        WorkingDir: image.workingFolder,
        Entrypoint: image.entrypoint,
        Env: image.environment,
        Labels: image.labels,
      },
      rootfs: { type: "layers", diff_ids: layers.map(({ digest }) => `sha256:${digest}`) },
      history: layers.map(({ comment }) => ({ created: epoch, created_by: "charts/image/build.ts", comment })),
    }),
  );
  const id = sha256(configuration);
  const manifest = [
    { Config: `${id}.json`, RepoTags: [image.reference], Layers: layers.map(({ digest }) => `${digest}/layer.tar`) },
  ];
  const file = (path: string, content: Buffer): TarEntry => ({ path, kind: "file", mode: 0o644, content });
  const content = tarOf([
    file("manifest.json", Buffer.from(JSON.stringify(manifest))),
    file(`${id}.json`, configuration),
    ...layers.map((layer) => file(`${layer.digest}/layer.tar`, layer.content)),
  ]);
  return { content, id: `sha256:${id}` };
}
