import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { auditLogFile } from "./cluster/settings.ts";

interface AuditedWrite {
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly objectRef?: { readonly resource: string; readonly subresource?: string; readonly namespace?: string };
  readonly requestReceivedTimestamp: string;
}

export interface AuditedSpan {
  readonly from: Date;
  /** Now when left out. */
  readonly until?: Date;
  /** Any when left out. */
  readonly namespace?: string;
}

/** Writes of one user in a span of time, as `verb resource/subresource` with how often. */
export async function writesOf(
  username: string,
  { from, until = new Date(), namespace }: AuditedSpan,
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  const lines = createInterface({ input: createReadStream(auditLogFile), crlfDelay: Number.POSITIVE_INFINITY });
  for await (const line of lines) {
    // The line that is being written may still be incomplete.
    if (!line.endsWith("}") || !line.includes(username)) continue;
    const { verb, user, objectRef, requestReceivedTimestamp } = JSON.parse(line) as AuditedWrite;
    const at = new Date(requestReceivedTimestamp);
    if (user.username !== username || at < from || at > until) continue;
    if (namespace !== undefined && objectRef?.namespace !== namespace) continue;
    const { resource = "", subresource } = objectRef ?? {};
    const what = `${verb} ${resource}${subresource === undefined ? "" : `/${subresource}`}`;
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  return counts;
}
