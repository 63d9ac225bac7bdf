import { enableCompileCache, flushCompileCache } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";

// The image is read-only, /tmp is not: a container that is started again compiles nothing.
enableCompileCache(path.join(tmpdir(), "node-compile-cache"));
const { runOperator } = await import("./operator-process.ts");
await runOperator(process.env);
flushCompileCache();
