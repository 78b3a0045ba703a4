import { createHash } from "node:crypto";

/** A piece of a document, in Markdown. */
export type DocumentPart =
  /** A person's, once it is written. */
  | { readonly kind: "free"; readonly text: string }
  /** The run's: written anew each time. */
  | {
      readonly kind: "generated";
      readonly name: string;
      readonly text: string;
    };

const NAME = "hardhat-dr";
const BEGIN = new RegExp(`^<!-- ${NAME} begin (\\S+) ([0-9a-f]{16}) -->$`);
const END = new RegExp(`^<!-- ${NAME} end (\\S+) -->$`);

/** The line by which the document of a run is known, whatever its file is called. */
export function markOf(run: string): string {
  return `<!-- ${NAME} incident ${encodeURIComponent(run)} -->`;
}

/** A new document. */
export function assembleDocument(
  run: string,
  parts: readonly DocumentPart[],
): string {
  return `${markOf(run)}\n\n${assembleParts(parts)}`;
}

/** The same without the line that says of which run it is. */
export function assembleParts(parts: readonly DocumentPart[]): string {
  const blocks = parts.flatMap((part) =>
    part.kind === "free"
      ? [part.text]
      : [beginOf(part.name, part.text), part.text, endOf(part.name)],
  );
  return `${blocks.join("\n\n")}\n`;
}

/**
 * A document with its generated parts written anew; everything else stays as
 * somebody has left it.
 *
 * @returns undefined when a part isn't there exactly once, or isn't as it was
 * generated: then somebody's words would be lost.
 */
export function updateDocument(
  document: string,
  parts: readonly DocumentPart[],
): string | undefined {
  const lineEnd = document.includes("\r\n") ? "\r\n" : "\n";
  const lines = document.split(/\r?\n/);
  for (const part of parts) {
    if (part.kind === "free") {
      continue;
    }
    const place = findPart(lines, part.name);
    if (place === undefined) {
      return undefined;
    }
    if (place.digest === digestOf(part.text)) {
      continue;
    }
    const fresh = [
      beginOf(part.name, part.text),
      "",
      ...part.text.split("\n"),
      "",
    ];
    lines.splice(place.begin, place.end - place.begin, ...fresh);
  }
  return lines.join(lineEnd);
}

/** The lines of a part's marks, when it is there once, as it was generated. */
function findPart(
  lines: readonly string[],
  name: string,
):
  | { readonly begin: number; readonly end: number; readonly digest: string }
  | undefined {
  const [begin, ...otherBegins] = indexesOf(lines, BEGIN, name);
  const [end, ...otherEnds] = indexesOf(lines, END, name);
  if (
    begin === undefined ||
    end === undefined ||
    otherBegins.length + otherEnds.length > 0
  ) {
    return undefined;
  }
  const inside = lines.slice(begin + 1, end).join("\n");
  const digest = BEGIN.exec(lines[begin]?.trim() ?? "")?.[2];
  return digest === digestOf(inside) ? { begin, end, digest } : undefined;
}

function indexesOf(
  lines: readonly string[],
  mark: RegExp,
  name: string,
): readonly number[] {
  return lines.flatMap((line, index) =>
    mark.exec(line.trim())?.[1] === name ? [index] : [],
  );
}

function beginOf(name: string, text: string): string {
  return `<!-- ${NAME} begin ${name} ${digestOf(text)} -->`;
}

function endOf(name: string): string {
  return `<!-- ${NAME} end ${name} -->`;
}

/** Of the words alone: a formatter may align tables and take needless escapes away. */
function digestOf(text: string): string {
  const words = text.replace(/[\s\\]+/g, "").replace(/-{2,}/g, "--");
  return createHash("sha256").update(words).digest("hex").slice(0, 16);
}
