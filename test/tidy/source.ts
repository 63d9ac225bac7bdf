/** One text file of the repository; `path` is relative to its root, with `/`. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

type Mode = "code" | "line" | "block" | "regex" | '"' | "'" | "`";

const regexMayFollow = /(^|[(,=:[!&|?{};+\-*%<>~^\n]|\b(?:return|typeof|case|in|of))\s*$/;

function nextMode(text: string, at: number, code: string): Mode {
  const [here, after] = [text[at], text[at + 1]];
  if (here === "/" && after === "/") return "line";
  if (here === "/" && after === "*") return "block";
  if (here === '"' || here === "'" || here === "`") return here;
  if (here === "/" && regexMayFollow.test(code.slice(-40))) return "regex";
  return "code";
}

/** True if the character at `at`, not escaped, ends what `mode` began. */
function ends(mode: Mode, text: string, at: number, insideClass: boolean): boolean {
  if (mode === "line") return text[at] === "\n";
  if (mode === "block") return text[at - 1] === "*" && text[at] === "/";
  if (mode === "regex") return text[at] === "\n" || (text[at] === "/" && !insideClass);
  return text[at] === mode;
}

/** The same text with the insides of comments, and of strings unless `keepStrings`, as blanks; lines stay lines. */
export function stripped(text: string, options: { keepStrings?: boolean } = {}): string {
  let code = "";
  let at = 0;
  while (at < text.length) {
    const mode = nextMode(text, at, code);
    if (mode === "code") {
      code += text[at++];
      continue;
    }
    const start = at;
    at += mode === "block" ? 3 : mode === "line" ? 2 : 1;
    let insideClass = false;
    while (at < text.length && !ends(mode, text, at, insideClass)) {
      if (text[at] === "[") insideClass = true;
      if (text[at] === "]") insideClass = false;
      at += text[at] === "\\" && mode !== "line" && mode !== "block" ? 2 : 1;
    }
    if (mode !== "line") at += 1;
    const piece = text.slice(start, at);
    const isString = mode !== "line" && mode !== "block";
    code += isString && options.keepStrings ? piece : blank(piece, isString);
  }
  return code;
}

const blank = (piece: string, isString: boolean): string =>
  isString && piece.length >= 2
    ? piece[0] + piece.slice(1, -1).replace(/[^\n]/g, " ") + piece[piece.length - 1]
    : piece.replace(/[^\n]/g, " ");

/** Number of the line on which the character at `index` stands, from 1. */
export const lineAt = (text: string, index: number): number => text.slice(0, index).split("\n").length;

/** Every module a file names, with its line: static, dynamic and type imports, and re-exports. */
export function importsOf(file: SourceFile): { specifier: string; line: number }[] {
  const code = stripped(file.text, { keepStrings: true });
  const found: { specifier: string; line: number }[] = [];
  for (const match of code.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*["']([^"'\n]+)["']/g)) {
    found.push({ specifier: match[1] as string, line: lineAt(code, match.index) });
  }
  return found;
}
