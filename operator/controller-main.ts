import { enableCompileCache } from "node:module";

// Before any other module of ours is compiled: brokers wait for nobody longer than for a controller that died.
enableCompileCache();
const { runController } = await import("./controller-process.ts");
await runController(process.argv.slice(2));
