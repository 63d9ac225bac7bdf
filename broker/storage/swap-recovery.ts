import type { Offset } from "../base/ids.ts";
import { lastOffsetOf } from "../wire/record-batch.ts";
import { scanBatches } from "./batch-scan.ts";
import {
  CLEANED_SUFFIX,
  indexName,
  logName,
  offsetOfName,
  SWAP_SUFFIX,
  segmentNames,
  timeIndexName,
} from "./file-names.ts";
import type { LogFolder } from "./log-folder.ts";

/**
 * Finishes what compaction had begun when its process died: a `.swap` file takes the place of every segment that begins
 * within it, a `.cleaned` file goes. Resolves to the files' names afterwards. May die at any step and be run again.
 */
export async function finishSwaps(folder: LogFolder, names: readonly string[]): Promise<readonly string[]> {
  const leftOver = names.filter((name) => name.endsWith(CLEANED_SUFFIX));
  const swaps = names.filter((name) => name.endsWith(SWAP_SUFFIX));
  for (const name of leftOver) await folder.remove(name);
  for (const name of swaps) await finishSwap(folder, name, names);
  return leftOver.length + swaps.length === 0 ? names : await folder.list();
}

async function finishSwap(folder: LogFolder, swap: string, names: readonly string[]): Promise<void> {
  const base = offsetOfName(swap.slice(0, -SWAP_SUFFIX.length), ".log");
  if (base === null) return;
  const end = await endOf(folder, swap, base);
  for (const name of names) {
    const at = offsetOfName(name, ".log");
    if (at === null || at < base || at >= end) continue;
    for (const doomed of segmentNames(at)) await folder.remove(doomed);
  }
  // Those of a segment whose records are gone already.
  for (const doomed of [indexName(base), timeIndexName(base)]) await folder.remove(doomed);
  // Or a power cut could bring the old indexes back beside the new records.
  await folder.shared.disk.syncFolder(folder.path);
  await folder.renameDurably(swap, logName(base));
}

/** Offset after the last record that a file holds the place of; it was synced before it got its name. */
async function endOf(folder: LogFolder, name: string, base: Offset): Promise<Offset> {
  const { files } = folder.shared;
  const path = `${folder.path}/${name}`;
  let end = base;
  await files.useExisting(path, (file) =>
    scanBatches(file, { from: 0, to: file.sizeBytes }, (bytes, at) => {
      end = (lastOffsetOf(bytes, at) + 1) as Offset;
      return true;
    }),
  );
  await files.forget(path);
  return end;
}
