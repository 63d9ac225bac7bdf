import { enableCompileCache, flushCompileCache } from "node:module";

// Before any other module of ours is compiled: a start after a crash must be fast.
enableCompileCache();
const { runBroker } = await import("./process.ts");
await runBroker(process.argv.slice(2));
// Otherwise only a clean end writes it, and a process that was killed would start slowly once more.
flushCompileCache();
