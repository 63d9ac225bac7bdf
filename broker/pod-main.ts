import { enableCompileCache, flushCompileCache } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";

// The image is read-only, /tmp is not. Before any other module of ours: a container that is started again must be fast.
enableCompileCache(path.join(tmpdir(), "node-compile-cache"));
const { runPod } = await import("./pod-process.ts");
await runPod(process.env, {
  settings: process.env["TIDEMARK_SETTINGS"] ?? "/etc/tidemark",
  token: process.env["TIDEMARK_TOKEN"] ?? "/etc/tidemark-token",
  data: process.env["TIDEMARK_DATA"] ?? "/var/lib/tidemark",
});
flushCompileCache();
