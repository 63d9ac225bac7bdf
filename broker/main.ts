import { enableCompileCache } from "node:module";

// Before any other module of ours is compiled: a start after a crash must be fast.
enableCompileCache();
const { runBroker } = await import("./process.ts");
await runBroker(process.argv.slice(2));
