import { CATALOGUE } from "./error-catalogue.js";
import type { ExitCode } from "./exit-codes.js";

type Catalogue = typeof CATALOGUE;

export type ErrorCode = keyof Catalogue;

/** The names in braces of a template: `"{a} of {b}"` → `"a" | "b"`. */
type Placeholders<T extends string> =
  T extends `${string}{${infer Name}}${infer Rest}`
    ? Name | Placeholders<Rest>
    : never;

export type ErrorValues<C extends ErrorCode> = Readonly<
  Record<
    Placeholders<Catalogue[C]["message"] | Catalogue[C]["fix"]>,
    string | number | bigint
  >
>;

/** An error of ours: a code that never changes, what happened, and a way out. */
export class DrError extends Error {
  override readonly name = "DrError";
  readonly code: ErrorCode;
  readonly fix: string;
  readonly exitCode: ExitCode;
  readonly values: Readonly<Record<string, string | number | bigint>>;

  constructor(
    ...[code, values, options]: {
      [C in ErrorCode]: [
        code: C,
        values: ErrorValues<C>,
        options?: { readonly cause?: unknown },
      ];
    }[ErrorCode]
  ) {
    const { message, fix, exitCode } = CATALOGUE[code];
    super(fill(message, values), options);
    this.code = code;
    this.fix = fill(fix, values);
    this.exitCode = exitCode;
    this.values = values;
  }
}

function fill(
  template: string,
  values: Readonly<Record<string, string | number | bigint>>,
): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) =>
    String(values[name]),
  );
}

export function isDrError<C extends ErrorCode>(
  error: unknown,
  ...codes: C[]
): error is DrError & { code: C } {
  return (
    error instanceof DrError &&
    (codes.length === 0 || (codes as ErrorCode[]).includes(error.code))
  );
}

/** Whether something thrown is the system's own, of this code: `ENOENT`. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return (
    error instanceof Error &&
    "code" in error &&
    codes.some((code) => code === error.code)
  );
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
