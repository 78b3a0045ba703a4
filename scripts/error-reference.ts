import { CATALOGUE } from "../src/core/error-catalogue.js";

/** The catalogue of errors as a page of Markdown. */
export function formatErrorReference(): string {
  const rows = Object.entries(CATALOGUE).map(
    ([code, { message, fix, exitCode }]) =>
      `| \`${code}\` | ${String(exitCode)} | ${cell(message)} | ${cell(fix)} |`,
  );
  return [
    "# Errors",
    "",
    "Each has a code that never changes its meaning, and a way out. With `--json`",
    'an error is `{ "error": { "code", "message", "fix" } }` on stdout.',
    "",
    "| code | exit | what happened | the way out |",
    "| --- | --- | --- | --- |",
    ...rows,
    "",
  ].join("\n");
}

function cell(text: string): string {
  return text
    .replaceAll("|", "\\|")
    .replaceAll("\n", "<br>")
    .replace(/\{(\w+)\}/g, "_$1_");
}
