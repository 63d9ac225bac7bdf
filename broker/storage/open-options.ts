import type { Clock } from "../base/clock.ts";
import type { TopicId } from "../base/ids.ts";
import type { Logger } from "../base/logging.ts";
import type { Disk } from "../ports/disk.ts";
import type { LogConfig } from "./log-config.ts";
import type { Checkpoint } from "./log-recovery.ts";
import type { SharedStorage } from "./shared-storage.ts";

/** What a partition's log is opened with. */
export interface OpenOptions {
  readonly disk: Disk;
  /** Folder of the partition below the data folder: `<topic>-<partition>`. Made when missing. */
  readonly folder: string;
  readonly topicId: TopicId;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly config: LogConfig;
  /** What the broker's checkpoint files say; null when they do not name this partition. */
  readonly checkpoint: Checkpoint | null;
  /** The clean-stop marker of the last incarnation was there: nothing is scanned. */
  readonly isCleanStart: boolean;
  /** Bounds shared by all logs of a broker; a private one when left out. */
  readonly shared?: SharedStorage;
  /** Memory for this log's newest batches once written. */
  readonly tailBytesMax?: number;
}
