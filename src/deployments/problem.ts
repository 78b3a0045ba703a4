import { DrError } from "../core/errors.js";

/** One thing that is wrong in a deploy.json. */
export interface Problem {
  /** `contracts.SkillProfile.history[0].block`. */
  readonly field: string;
  readonly found: string;
  readonly expected: string;
}

/** Keys and indexes as one would write them: `contracts.A.history[0]`. */
export function formatPath(keys: readonly string[]): string {
  return keys.length === 0
    ? "the file"
    : keys
        .map((key, index) => {
          if (/^\d+$/.test(key)) {
            return `[${key}]`;
          }
          return index === 0 ? key : `.${key}`;
        })
        .join("");
}

/** The first problem in full, the others by their fields. */
export function problemsError(
  file: string,
  problems: readonly Problem[],
): DrError {
  const [first, ...rest] = problems;
  const fields = rest.map(({ field }) => field).join(", ");
  return new DrError("DEPLOY_FILE_INVALID", {
    file,
    field: first?.field ?? "the file",
    found: first?.found ?? "wrong",
    expected: first?.expected ?? "right",
    others: rest.length === 0 ? "" : ` Also wrong: ${fields}.`,
  });
}
