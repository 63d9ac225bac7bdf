import { nodeClock } from "./adapters/node-clock.ts";
import { NodeDisk } from "./adapters/node-disk.ts";
import { serveCompactor } from "./adapters/thread-compactor.ts";
import { SegmentCleaner } from "./storage/segment-cleaner.ts";

/*
 * The thread in which a broker compacts: it reads closed segments and writes `.cleaned` files beside them, and nothing
 * else. What becomes of those, the broker's own thread decides.
 */
serveCompactor((dataFolder) => new SegmentCleaner(new NodeDisk(dataFolder), nodeClock));
