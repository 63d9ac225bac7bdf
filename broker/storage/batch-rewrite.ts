import { isTidemarkError } from "../base/errors.ts";
import type { Offset } from "../base/ids.ts";
import type { RewriteJob } from "../ports/compactor.ts";
import {
  deleteHorizonOf,
  isControl,
  isPlaceholder,
  isTransactional,
  lastOffsetOf,
  producerIdOf,
  recordsCountOf,
} from "../wire/record-batch.ts";
import { filterBatch, RecordCursor, withoutRecords } from "../wire/record-filter.ts";
import type { CleanedWriter } from "./cleaned-writer.ts";
import type { KeyMap } from "./key-map.ts";

/** Never: against anything later no record's time can be told. */
const HORIZON_MS_MAX = Number.MAX_SAFE_INTEGER - 1;

/** What a transaction's end decides is not known here: its records stay, and take the place of none. */
export const isLeftAlone = (bytes: Uint8Array, at: number): boolean =>
  isControl(bytes, at) || isTransactional(bytes, at);

/** What is known of keys: the newest record of each below `endOffset`. */
export interface FoundKeys {
  readonly map: KeyMap;
  readonly endOffset: Offset;
}

/** Notes the records of the batch at `at` from offset `from` on, as far as it can be opened. */
export function noteKeys(map: KeyMap, bytes: Uint8Array, at: number, from: Offset): void {
  unlessMalformed(() => noteRecords(map, bytes, at, from));
}

/** What was appended while the topic was not compacted was not opened then: it may be nonsense, and stays as it is. */
function unlessMalformed<T>(work: () => T): T | null {
  try {
    return work();
  } catch (error) {
    if (isTidemarkError(error) && error.code === "PEER_MALFORMED") return null;
    throw error;
  }
}

function noteRecords(map: KeyMap, bytes: Uint8Array, at: number, from: Offset): void {
  const record = new RecordCursor(bytes, at);
  while (record.next()) {
    if (record.keyStart < 0 || record.offset < from) continue;
    map.put(record.body, { from: record.keyStart, to: record.keyEnd }, record.offset);
  }
}

/** Hands the batches of a rewritten segment to its writer, less what newer records have taken the place of. */
export class BatchRewrite {
  readonly #job: RewriteJob;
  readonly #keys: FoundKeys;
  readonly #writer: CleanedWriter;
  /** Whether anything was taken out of a batch, or written into one. */
  hasChanged = false;

  constructor(job: RewriteJob, to: { keys: FoundKeys; writer: CleanedWriter }) {
    this.#job = job;
    this.#keys = to.keys;
    this.#writer = to.writer;
  }

  /** Takes one whole batch, which may be kept as it is. */
  take(batch: Uint8Array): void {
    if (isLeftAlone(batch, 0)) return this.#writer.add(batch);
    if (recordsCountOf(batch, 0) === 0) return this.#addEmpty(batch);
    const left = unlessMalformed(() => filterBatch(batch, 0, this.#rulesFor(batch)));
    if (left === null || left.kind === "same") return this.#writer.add(batch);
    this.hasChanged = true;
    if (left.kind === "rewritten") this.#writer.add(left.bytes);
    else this.#addEmpty(withoutRecords(batch, 0));
  }

  #rulesFor(batch: Uint8Array): Parameters<typeof filterBatch>[2] {
    const { nowMs, deleteRetentionMs } = this.#job;
    const horizonMs = deleteHorizonOf(batch, 0);
    const isPastHorizon = horizonMs !== null && nowMs >= horizonMs;
    const isKnown = (record: RecordCursor): boolean => record.offset < this.#keys.endOffset;
    return {
      keeps: (record) => {
        if (!isKnown(record)) return true;
        if (record.keyStart < 0 || (isPastHorizon && !record.hasValue)) return false;
        return this.#keys.map.newestOf(record.body, record.keyStart, record.keyEnd) <= record.offset;
      },
      expires: (record) => !record.hasValue && isKnown(record),
      deleteHorizonMs: Math.min(nowMs + deleteRetentionMs, HORIZON_MS_MAX),
    };
  }

  /** A batch without records stays as one for the sake of its producer only, which may send it again. */
  #addEmpty(batch: Uint8Array): void {
    const oldest = this.#job.rememberedOfProducers.get(producerIdOf(batch, 0));
    const isRemembered = oldest !== undefined && lastOffsetOf(batch, 0) >= oldest;
    if (isRemembered || isPlaceholder(batch, 0)) return this.#writer.add(batch);
    this.hasChanged = true;
    this.#writer.addGap(batch);
  }
}
