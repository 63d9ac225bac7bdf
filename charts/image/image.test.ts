import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "@jest/globals";
import { importsOf } from "../../test/tidy/source.ts";
import { tidemarkImage } from "./build.ts";
import { applicationEntries, packageEntries, productionPackages } from "./production-files.ts";
import { systemEntries } from "./system-files.ts";
import { tarOf, type TarEntry } from "./tar.ts";

const root = path.resolve(import.meta.dirname, "..", "..");
const node = path.join(root, "node_modules", "node", "bin", "node");
const platform = { os: "linux", cpu: process.arch, libc: "glibc" };

const inFolder = (use: (folder: string) => void): void => {
  const folder = mkdtempSync(path.join(tmpdir(), "tidemark-image-"));
  try {
    use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
};

test("an archive depends on what is in it and on nothing else", () => {
  const entries: TarEntry[] = [
    { path: "b/c", kind: "file", mode: 0o644, content: Buffer.from("two") },
    { path: "a", kind: "link", mode: 0o777, target: "b/c" },
    { path: `${"long/".repeat(25)}name`, kind: "file", mode: 0o755, content: Buffer.from("three") },
  ];
  expect(tarOf(entries).equals(tarOf(entries.toReversed()))).toBe(true);
  inFolder((folder) => {
    writeFileSync(path.join(folder, "a.tar"), tarOf(entries));
    execFileSync("tar", ["-xf", "a.tar"], { cwd: folder });
    expect(readFileSync(path.join(folder, "a"), "utf8")).toBe("two");
    expect(readFileSync(path.join(folder, "long/".repeat(25), "name"), "utf8")).toBe("three");
  });
});

test("a path that does not fit an archive is refused, not cut", () => {
  expect(() => tarOf([{ path: "x".repeat(101), kind: "file", mode: 0o644 }])).toThrow("too long");
});

test("the same checkout gives the same image", () => {
  const build = () => tidemarkImage(root, { reference: "docker.io/local/tidemark:test", node, cpu: process.arch });
  const [first, second] = [build(), build()];
  expect(second.id).toBe(first.id);
  expect(second.content.equals(first.content)).toBe(true);
});

test("packages for development and for other platforms stay out", () => {
  const lock = JSON.parse(readFileSync(path.join(root, "package-lock.json"), "utf8")).packages;
  const packages = productionPackages(root, platform);
  expect(packages.filter((name) => lock[name].dev === true)).toEqual([]);
  expect(packages).toContain("node_modules/winston");
  expect(packages.filter((name) => /darwin|win32|musl|android/.test(name))).toEqual([]);
});

test("a package that production needs and that is not installed stops the build by name", () => {
  inFolder((folder) => {
    const lock = { packages: { "": {}, "node_modules/gone": { version: "1.0.0" } } };
    writeFileSync(path.join(folder, "package-lock.json"), JSON.stringify(lock));
    expect(() => productionPackages(folder, platform)).toThrow("node_modules/gone is needed in production");
  });
});

test("tests stay out, and whatever the rest imports is in", () => {
  const entries = applicationEntries(root);
  const paths = new Set(entries.map((entry) => entry.path));
  expect([...paths].filter((name) => /\.test\.ts$|\/testing\/|\/stand-ins\//.test(name))).toEqual([]);
  const dangling = entries
    .filter((entry) => entry.path.endsWith(".ts"))
    .flatMap((entry) =>
      importsOf({ path: entry.path, text: String(entry.content) }).flatMap(({ specifier }) => {
        if (!specifier.startsWith(".") && !specifier.startsWith("#")) return [];
        const target = specifier.startsWith("#")
          ? `app/broker/${specifier.slice(1)}`
          : path.posix.join(path.posix.dirname(entry.path), specifier);
        return paths.has(target) ? [] : [`${entry.path} imports ${specifier}`];
      }),
    );
  expect(dangling).toEqual([]);
});

test("broker and operator load with the image's own files and libraries only", () => {
  const packages = packageEntries(root, platform);
  const addOns = packages.filter((entry) => entry.path.endsWith(".node"));
  const addOnFiles = addOns.map((entry) => path.join(root, entry.path.slice("app/".length)));
  const system = systemEntries({ node, addOns: addOnFiles });
  // Node itself is linked, for its size; its libraries are the image's.
  const small = system.filter((entry) => entry.path !== "usr/local/bin/node");
  inFolder((folder) => {
    writeFileSync(path.join(folder, "image.tar"), tarOf([...small, ...packages, ...applicationEntries(root)]));
    execFileSync("tar", ["-xf", "image.tar"], { cwd: folder });
    mkdirSync(path.join(folder, "usr/local/bin"), { recursive: true });
    symlinkSync(node, path.join(folder, "usr/local/bin/node"));
    const at = (pattern: RegExp): string =>
      path.join(folder, system.find((entry) => pattern.test(entry.path))?.path ?? "missing");
    const program = ["broker/process.ts", "operator/controller-process.ts"].map(
      (name) => `await import(${JSON.stringify(path.join(folder, "app", name))});`,
    );
    const libraries = path.dirname(at(/libc\.so\.6$/));
    const loader = ["--inhibit-cache", "--library-path", libraries, path.join(folder, "usr/local/bin/node")];
    const script = `${program.join("")} process.stdout.write("loaded"); process.exit(0)`;
    const said = execFileSync(at(/ld-linux/), [...loader, "--input-type=module", "-e", script], { cwd: folder });
    expect(String(said)).toBe("loaded");
  });
});

test("the image's user is not root, and it has somewhere to write", () => {
  const system = systemEntries({ node, addOns: [] });
  expect(String(system.find((entry) => entry.path === "etc/passwd")?.content)).toContain("tidemark:x:65532:65532");
  expect(system.find((entry) => entry.path === "tmp")?.mode).toBe(0o1777);
  expect(existsSync(node)).toBe(true);
});

test("what the Dockerfile stages is what the image has", () => {
  inFolder((folder) => {
    execFileSync(node, [path.join(root, "charts/image/stage.ts"), folder]);
    const staged = String(execFileSync("find", [".", "-type", "f"], { cwd: folder }))
      .trim()
      .split("\n");
    const entries = [...packageEntries(root, platform), ...applicationEntries(root)].map((entry) => entry.path);
    expect(staged.map((name) => name.replace(/^\.\/(?:packages|application)\//, "")).sort()).toEqual(entries.sort());
  });
});
