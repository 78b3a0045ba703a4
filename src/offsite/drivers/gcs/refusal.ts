import { DrError } from "../../../core/errors.js";
import { keptUntil } from "./object.js";

/** What was asked of the store, for its errors. */
export interface Asked {
  /** For people: `gs://takumi-backups/production/`. */
  readonly storage: string;
  readonly operation: "list" | "stat" | "put" | "get" | "delete";
  readonly key: string;
}

/** A refusal in Google's own words. */
interface Refusal {
  /** The one that programs read: `retentionPolicyNotMet`. */
  readonly word: string;
  readonly reason: string;
}

/** How to come by credentials; never what they are. */
export const CREDENTIALS_WAY =
  "Set GOOGLE_APPLICATION_CREDENTIALS to a service account's key file, or `keyFile` of the target in hardhat.config.ts.";
const RIGHTS_WAY =
  "Give its account the role Storage Object User (roles/storage.objectUser) on the bucket, or use another account: GOOGLE_APPLICATION_CREDENTIALS, or `keyFile` of the target in hardhat.config.ts.";

const TOO_MANY = ["rateLimitExceeded", "userRateLimitExceeded"];
const LONGEST_REASON = 300;

/**
 * What an answer that isn't a success means.
 *
 * @param body - JSON or text: uploads are refused in either.
 * @see https://cloud.google.com/storage/docs/json_api/v1/status-codes
 */
export function explainRefusal(
  { storage, operation, key }: Asked,
  status: number,
  body: unknown,
): DrError {
  const { word, reason } = refusalOf(status, body);
  if (isPassing(status) || TOO_MANY.includes(word)) {
    return new DrError("OFFSITE_UNREACHABLE", { storage, operation, reason });
  }
  if (status === 507 || word === "quotaExceeded") {
    return new DrError("OFFSITE_FULL", { storage, reason });
  }
  const kept = status === 403 ? whyKept(word, reason) : undefined;
  if (kept !== undefined) {
    return new DrError("OFFSITE_LOCKED", { storage, key, reason: kept });
  }
  if (status === 401 || status === 403) {
    const way = status === 401 ? CREDENTIALS_WAY : RIGHTS_WAY;
    return new DrError("OFFSITE_DENIED", { storage, operation, reason, way });
  }
  if (status === 404 && operation !== "put" && !isOfBucket(reason)) {
    return new DrError("OFFSITE_MISSING", { storage, key });
  }
  if (status === 412) {
    return new DrError("OFFSITE_EXISTS", { storage, key });
  }
  if (status === 400 && isOfDigest(reason)) {
    return new DrError("OFFSITE_DAMAGED", { storage, key, reason });
  }
  return new DrError("OFFSITE_FAILED", { storage, operation, reason });
}

/** Whether trying again may help. */
export function isPassing(status: number): boolean {
  return status === 408 || status === 429 || (status >= 500 && status !== 507);
}

/** In all the forms that Google has for them, its token endpoint's included. */
export function refusalOf(status: number, body: unknown): Refusal {
  const error = fieldOf(body, "error");
  const [first] = [fieldOf(error, "errors")].flat();
  const said = [
    fieldOf(error, "message"),
    [error, fieldOf(body, "error_description")].filter(isSaid).join(": "),
    body,
  ].find(isSaid);
  const word = fieldOf(first, "reason");
  return {
    word: isSaid(word) ? word : "",
    reason: said === undefined ? `HTTP ${String(status)}` : inOneLine(said),
  };
}

/** JSON, or the text that it is. */
export function parseBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** A missing bucket isn't a missing object. */
function isOfBucket(reason: string): boolean {
  return /bucket does not exist/i.test(reason);
}

/** `Provided CRC32C "…" doesn't match calculated CRC32C "…"` */
function isOfDigest(reason: string): boolean {
  return /doesn't match calculated/i.test(reason);
}

/**
 * Holds are documented as `objectUnderActiveHold`, but in practice are refused
 * like a missing right, as `forbidden`, with other words.
 *
 * @returns undefined when it isn't kept.
 */
function whyKept(word: string, reason: string): string | undefined {
  if (word === "retentionPolicyNotMet") {
    const until = Date.parse(/ until (\S+)$/.exec(reason)?.[1] ?? "");
    return Number.isNaN(until) ? reason : keptUntil(new Date(until));
  }
  return word === "objectUnderActiveHold" ||
    /is under active .*hold/i.test(reason)
    ? reason
    : undefined;
}

function inOneLine(said: string): string {
  return said
    .replace(/\s+/g, " ")
    .trim()
    .replace(/\.$/, "")
    .slice(0, LONGEST_REASON);
}

/** Not what a proxy shows to browsers. */
function isSaid(value: unknown): value is string {
  return typeof value === "string" && /^\s*[^<\s]/.test(value);
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
}
