import type { IncidentContract } from "./contracts.js";

const MOST_NAMES = 3;
const LONGEST_SLUG = 60;

/** `Rollback of SkillProfile on mainnet`. */
export function titleOf(
  procedure: string,
  network: string,
  contracts: readonly Pick<IncidentContract, "name">[],
): string {
  const names = contracts.map(({ name }) => name);
  const shown = names.slice(0, MOST_NAMES).join(", ");
  const more = names.length - MOST_NAMES;
  const whose = more > 0 ? `${shown} and ${String(more)} more` : shown;
  const what = procedure.replace(/^./, (letter) => letter.toUpperCase());
  return `${what} of ${whose || "nothing"} on ${network}`;
}

/** A title as part of a file's name: lower-case letters, digits and hyphens. */
export function slugOf(title: string): string {
  const slug = title
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, LONGEST_SLUG)
    .replace(/^-|-$/g, "");
  return slug || "incident";
}
