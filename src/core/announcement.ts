import type { Severity } from "./severity.js";

/** What people are to be told of: whoever makes one doesn't know by which channels. */
export interface Announcement {
  /** The same for all that is said of one incident: PagerDuty's `dedup_key`. */
  readonly key: string;
  /** What it means for whoever is on call; a `change` wakes nobody. */
  readonly action: "trigger" | "acknowledge" | "resolve" | "change";
  readonly severity: Severity;
  /** One line. */
  readonly title: string;
  /** Sentences; no secrets. */
  readonly text: string;
  /** Where it happened: `takumi on mainnet`. */
  readonly source: string;
  readonly at: Date;
  readonly links?: readonly { readonly title: string; readonly url: string }[];
}
