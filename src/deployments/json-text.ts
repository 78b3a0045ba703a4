/** What is wrong with a text that should be JSON, and where. */
export interface JsonFault {
  readonly kind: "syntax" | "duplicate-key";
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  readonly reason: string;
  /** Keys from the top to the place. */
  readonly path: readonly string[];
}

const SPACE = /[ \t\r\n]*/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const SCALAR =
  /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-])/y;

/**
 * Finds the first fault in a JSON text. `JSON.parse` doesn't always say where
 * it stopped, and of two equal keys it silently drops the first.
 */
export function findJsonFault(text: string): JsonFault | undefined {
  try {
    const end = new Scanner(text).value(0, []);
    new Scanner(text).end(end);
    return undefined;
  } catch (error) {
    if (error instanceof Fault) {
      return { ...error.fault, ...positionOf(text, error.offset) };
    }
    throw error;
  }
}

class Fault extends Error {
  readonly offset: number;
  readonly fault: Pick<JsonFault, "kind" | "reason" | "path">;
  constructor(offset: number, fault: Fault["fault"]) {
    super(fault.reason);
    this.offset = offset;
    this.fault = fault;
  }
}

/** Each method takes the offset it begins at and returns the one it ends at. */
class Scanner {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  value(from: number, path: readonly string[]): number {
    const offset = this.#space(from);
    switch (this.#text[offset]) {
      case "{":
        return this.#object(offset, path);
      case "[":
        return this.#array(offset, path);
      case '"':
        return this.#match(STRING, offset, path, "an unfinished string");
      default:
        return this.#match(SCALAR, offset, path, "a value is expected");
    }
  }

  end(from: number): void {
    const offset = this.#space(from);
    if (offset < this.#text.length) {
      this.#fail(offset, [], "nothing more is expected");
    }
  }

  #object(from: number, path: readonly string[]): number {
    const keys = new Set<string>();
    let offset = this.#space(from + 1);
    if (this.#text[offset] === "}") {
      return offset + 1;
    }
    for (;;) {
      offset = this.#space(offset);
      const keyEnd = this.#match(
        STRING,
        offset,
        path,
        "a key in double quotes is expected",
      );
      const key = JSON.parse(this.#text.slice(offset, keyEnd)) as string;
      if (keys.has(key)) {
        throw new Fault(offset, {
          kind: "duplicate-key",
          reason: `the key "${key}" is there twice`,
          path: [...path, key],
        });
      }
      keys.add(key);
      const colon = this.#space(keyEnd);
      if (this.#text[colon] !== ":") {
        this.#fail(colon, path, "a colon is expected");
      }
      offset = this.#space(this.value(colon + 1, [...path, key]));
      if (this.#text[offset] === "}") {
        return offset + 1;
      }
      this.#comma(offset, path, "}");
      offset += 1;
    }
  }

  #array(from: number, path: readonly string[]): number {
    let offset = this.#space(from + 1);
    if (this.#text[offset] === "]") {
      return offset + 1;
    }
    for (let index = 0; ; index += 1) {
      offset = this.#space(this.value(offset, [...path, String(index)]));
      if (this.#text[offset] === "]") {
        return offset + 1;
      }
      this.#comma(offset, path, "]");
      offset += 1;
    }
  }

  #comma(offset: number, path: readonly string[], closing: string): void {
    if (this.#text[offset] !== ",") {
      this.#fail(offset, path, `a comma or ${closing} is expected`);
    }
  }

  #space(from: number): number {
    SPACE.lastIndex = from;
    SPACE.exec(this.#text);
    return SPACE.lastIndex;
  }

  #match(
    pattern: RegExp,
    from: number,
    path: readonly string[],
    otherwise: string,
  ): number {
    pattern.lastIndex = from;
    if (pattern.exec(this.#text) === null) {
      this.#fail(from, path, otherwise);
    }
    return pattern.lastIndex;
  }

  #fail(offset: number, path: readonly string[], reason: string): never {
    const atEnd = offset >= this.#text.length;
    throw new Fault(offset, {
      kind: "syntax",
      reason: atEnd ? `${reason}, but the file ends here` : reason,
      path,
    });
  }
}

function positionOf(
  text: string,
  offset: number,
): { line: number; column: number } {
  const before = text.slice(0, offset);
  return {
    line: before.split("\n").length,
    column: offset - before.lastIndexOf("\n"),
  };
}
