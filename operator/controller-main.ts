import { enableCompileCache, flushCompileCache } from "node:module";

// Before any other module of ours is compiled: brokers wait for nobody longer than for a controller that died.
enableCompileCache();
const { runController } = await import("./controller-process.ts");
await runController(process.argv.slice(2));
// Otherwise only a clean end writes it, and a process that was killed would start slowly once more.
flushCompileCache();
