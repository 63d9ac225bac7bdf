import { LogCompaction as Original } from "../../../broker/storage/log-compaction.ts";

export class LogCompaction extends Original {
  constructor(...[log, found]: ConstructorParameters<typeof Original>) {
    super({ ...log, flush: async () => undefined }, found);
  }
}
