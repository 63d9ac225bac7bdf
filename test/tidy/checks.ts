import path from "node:path";
import { isPure, type Room, rooms } from "./rooms.ts";
import { importsOf, lineAt, type SourceFile, stripped } from "./source.ts";

/** Every checker answers the breaks it found, one line each: where, what, and what to do instead. */
export type Breaks = string[];

const linesMax = 600;
const columnsMax = 120;

const isWithin = (file: string, folder: string): boolean =>
  file === folder || file.startsWith(`${folder}/`) || file === `${folder}.ts`;

export const roomOf = (file: string): Room | undefined =>
  rooms
    .filter((room) => isWithin(file, room.path))
    .sort((a, b) => b.path.length - a.path.length)
    .at(0);

/** Where a specifier of ours leads, relative to the root; undefined for packages and node's own modules. */
function targetOf(file: string, specifier: string): string | undefined {
  const door = /^#(adapters|base|contract|ports)\//.exec(specifier);
  if (door !== null) return `broker/${specifier.slice(1)}`;
  if (specifier.startsWith(".")) return path.posix.join(path.posix.dirname(file), specifier);
  return undefined;
}

function importBreak(file: SourceFile, specifier: string): string | undefined {
  const target = targetOf(file.path, specifier);
  const from = roomOf(file.path);
  if (target === undefined || from === undefined) return undefined;
  if (!/\.(ts|json)$/.test(target)) return `imports "${specifier}": write the path with its .ts`;
  const isTest = file.path.endsWith(".test.ts") || file.path.includes("/testing/");
  if (target.startsWith("test/") && !file.path.startsWith("test/") && !isTest) {
    return `imports ${target}: nothing imports test/; what both need belongs to a room`;
  }
  const side = from.path.split("/")[0];
  if (side === "broker" && target.startsWith("operator/")) {
    return `imports ${target}: the broker never imports the operator; what both say is in broker/contract`;
  }
  if (side === "operator" && target.startsWith("broker/") && specifier.startsWith(".") && !isTest) {
    return `imports ${target}: the operator enters the broker through its doors: #base/* and #contract/*`;
  }
  if (side === "broker" && specifier.startsWith("#"))
    return `imports ${specifier}: inside broker/ imports are relative`;
  // A test may set up its room with fakes and rooms below or above it: the table binds what ships.
  if (isTest || isWithin(target, from.path)) return undefined;
  if (from.may.some((allowed) => isWithin(target, allowed))) return undefined;
  const may = from.may.length === 0 ? "nothing of ours" : from.may.join(", ");
  return `imports ${target}: ${from.path} may import ${may}; ${from.door}`;
}

export const importBreaks = (files: readonly SourceFile[]): Breaks =>
  files.flatMap((file) =>
    importsOf(file).flatMap(({ specifier, line }) => {
      const broken = importBreak(file, specifier);
      return broken === undefined ? [] : [`${file.path}:${line} ${broken}`];
    }),
  );

const impurities: readonly { pattern: RegExp; instead: string }[] = [
  { pattern: /\b(?:async|await|Promise)\b/g, instead: "a pure room never waits: return what to do, a shell does it" },
  { pattern: /\b(?:Date|performance)\s*[.(]/g, instead: "time is an argument" },
  { pattern: /\bMath\s*\.\s*random\b/g, instead: "randomness is an argument" },
  {
    pattern: /\b(?:setTimeout|setInterval|setImmediate|queueMicrotask)\b/g,
    instead: "return what to do, a shell does it",
  },
  { pattern: /\b(?:console|process)\s*\./g, instead: "return a value, a shell logs it" },
];
const impureModules = /broker\/(?:base\/(?:clock|random|logging|metrics)|ports\/[\w-]+)\.ts$/;

function purityBreaksOf(file: SourceFile): Breaks {
  const code = stripped(file.text);
  const words = impurities.flatMap(({ pattern, instead }) =>
    [...code.matchAll(pattern)].map(
      (match) => `${file.path}:${lineAt(code, match.index)} has "${match[0].replace(/[.(\s]+$/, "")}": ${instead}`,
    ),
  );
  const modules = importsOf(file).flatMap(({ specifier, line }) =>
    specifier.startsWith("node:") || impureModules.test(targetOf(file.path, specifier) ?? "")
      ? [`${file.path}:${line} imports ${specifier}: pass time and randomness in, log in a shell`]
      : [],
  );
  return [...words, ...modules];
}

/** Pure rooms hold no async, clock, randomness, logging or metrics. */
export const purityBreaks = (files: readonly SourceFile[]): Breaks =>
  files.filter((file) => isPure(file.path)).flatMap(purityBreaksOf);

// In pieces, so that this file does not break its own rule.
const unfinished = new RegExp(`\\bFIX${"ME"}\\b|\\bTO${"DO"}\\b(?!\\(#\\d+\\))`, "g");

/** Nothing half done is committed; what waits for later carries a number. */
export const unfinishedBreaks = (files: readonly SourceFile[]): Breaks =>
  files.flatMap((file) =>
    [...file.text.matchAll(unfinished)].map(
      (match) => `${file.path}:${lineAt(file.text, match.index)} has ${match[0]}: finish it, or write its number`,
    ),
  );

/** A file is one idea, a line fits a screen. */
export function sizeBreaks(files: readonly SourceFile[]): Breaks {
  return files.flatMap((file) => {
    const lines = file.text.replace(/\n$/, "").split("\n");
    const broken: Breaks = [];
    if (lines.length > linesMax) {
      broken.push(`${file.path} has ${lines.length} lines: at most ${linesMax}; split it by idea`);
    }
    for (const [index, line] of lines.entries()) {
      if (line.length > columnsMax && !/https?:\/\//.test(line)) {
        broken.push(`${file.path}:${index + 1} has ${line.length} columns: at most ${columnsMax}; break the line`);
      }
    }
    return broken;
  });
}

/** No file whose only content is what other files export. */
export function barrelBreaks(files: readonly SourceFile[]): Breaks {
  return files.flatMap((file) => {
    const code = stripped(file.text);
    const rest = code.replace(/\bexport\s+(?:type\s+)?(?:\*(?:\s+as\s+\w+)?|\{[^}]*\})\s*from\s*"[^"]*"\s*;?/g, "");
    if (rest === code || rest.trim() !== "") return [];
    return [`${file.path} only passes on what others export: import from the file that has it`];
  });
}

// In pieces for the same reason as above.
const machinePaths = new RegExp(`(?<![\\w.@~/-])/(?:ro${"ot"}|ho${"me"}|Us${"ers"}|wo${"rk"})/[\\w.-]+`, "g");
const registryUrl = /https?:\/\/([^/\s"'`)>]*(?:registry|artifactory|nexus|mirror|proxy)[^/\s"'`)>]*)/gi;
const publicRegistries = new Set(["registry.npmjs.org"]);

/** The repository stands alone: no path of a machine, no host of a private registry. */
export const placeBreaks = (files: readonly SourceFile[]): Breaks =>
  files.flatMap((file) => {
    const paths = [...file.text.matchAll(machinePaths)].map(
      (match) =>
        `${file.path}:${lineAt(file.text, match.index)} names ${match[0]}: a path of one machine; make it relative`,
    );
    const hosts = [...file.text.matchAll(registryUrl)]
      .filter((match) => !publicRegistries.has(match[1] as string))
      .map(
        (match) =>
          `${file.path}:${lineAt(file.text, match.index)} names ${match[1]}: a registry is the user's to choose`,
      );
    return [...paths, ...hosts];
  });

/** Relative links of a Markdown file lead to something that is there. */
export function linkBreaks(files: readonly SourceFile[], exists: (path: string) => boolean): Breaks {
  return files.flatMap((file) => {
    const text = file.text.replace(/```[\s\S]*?```/g, (code) => code.replace(/[^\n]/g, " "));
    return [...text.matchAll(/\]\(([^)\s]+)\)/g)].flatMap((match) => {
      const link = (match[1] as string).split("#")[0] as string;
      if (link === "" || /^[a-z]+:/.test(link)) return [];
      const target = path.posix.join(path.posix.dirname(file.path), link);
      return exists(target) ? [] : [`${file.path}:${lineAt(text, match.index)} links to ${link}, which is not there`];
    });
  });
}

/** Paths that the tables of a document name in backticks, such as `broker/wire/frame.ts` or `operator/machine/`. */
export function pathsInTables(text: string): string[] {
  const rows = text.split("\n").filter((line) => line.startsWith("|"));
  const names = rows.flatMap((row) => [...row.matchAll(/`([^`\s]+)`/g)].map((match) => match[1] as string));
  return names.filter((name) => /^(?:broker|operator|test|bench|docs|examples|charts|crds|\.ci)\/[\w./-]*$/.test(name));
}
