import { globSync } from "node:fs";
import path from "node:path";
import type { Api } from "../../broker/wire/api.ts";
import { decodeRequest, decodeResponse, encodeRequest, encodeResponse, joined } from "../../broker/wire/frame.ts";
import { declaredApis } from "../protocol/declared-apis.ts";
import { readHexFile } from "./hex-file.ts";

/** A frame recorded between a real client and a real Kafka. */
export interface GoldenFrame {
  /** Its file within test/golden. */
  readonly name: string;
  /** The client it was sent by or to, without its version. */
  readonly client: string;
  readonly bytes: Buffer;
  readonly api: Api;
  readonly version: number;
  readonly direction: "request" | "response";
}

const fileName =
  /^(?<key>\d+)-[^/]+\/(?<client>[a-z-]+)-[\d.]+(-session-\d+)?-v(?<version>\d+)\.(?<direction>request|response)\.hex$/;

/** All recorded frames, found by their file names. */
export async function goldenFrames(): Promise<GoldenFrame[]> {
  const apis = await declaredApis();
  return globSync("*/*.hex", { cwd: import.meta.dirname })
    .sort()
    .map((name) => {
      const parts = fileName.exec(name.replaceAll(path.sep, "/"))?.groups;
      const api = apis.find(({ key }) => key === Number(parts?.["key"]));
      if (parts === undefined || api === undefined) throw new Error(`${name} names no declared API`);
      const { bytes } = readHexFile(path.join(import.meta.dirname, name));
      const direction = parts["direction"] === "request" ? "request" : "response";
      return { name, client: parts["client"] ?? "", bytes, api, version: Number(parts["version"]), direction };
    });
}

/** Reads the body of `bytes` as a frame of the same kind as `golden`. */
export const decodeLike = ({ api, version, direction }: GoldenFrame, bytes: Buffer): Record<string, unknown> =>
  direction === "request" ? decodeRequest(api, bytes).body : decodeResponse(api, version, bytes).body;

/** What we would have sent in the place of `golden`, its size prefix taken off. */
export function reencode({ api, version, direction, bytes }: GoldenFrame): Buffer {
  if (direction === "response") {
    const { correlationId, body } = decodeResponse(api, version, bytes);
    return joined(encodeResponse(api, { version, correlationId }, body)).subarray(4);
  }
  const { header, body } = decodeRequest(api, bytes);
  const { correlationId, clientId } = header;
  return joined(encodeRequest(api, { version, correlationId, clientId }, body)).subarray(4);
}
