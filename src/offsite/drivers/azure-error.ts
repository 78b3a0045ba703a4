import type { RestError } from "@azure/storage-blob";

import { DrError, isDrError, messageOf } from "../../core/errors.js";
import { wayToSetClock } from "./clock-skew.js";

/** What was asked of Azure. */
export interface AzureRequest {
  /** For people. */
  readonly storage: string;
  readonly account: string;
  readonly container: string;
  readonly operation: "list" | "stat" | "put" | "lock" | "get" | "delete";
  /** Absent of a list. */
  readonly key?: string;
}

/** As it came over the wire. */
interface Answer {
  readonly status?: number;
  /** Azure's own: `BlobNotFound`. */
  readonly code?: string;
  readonly reason: string;
  /** The store's clock. */
  readonly date?: Date;
}

type Meaning =
  | "OFFSITE_UNREACHABLE"
  | "OFFSITE_DENIED"
  | "OFFSITE_EXISTS"
  | "OFFSITE_MISSING"
  | "OFFSITE_LOCKED"
  | "OFFSITE_FULL"
  | "OFFSITE_FAILED";

/** There was no answer, or not all of one. */
const UNHEARD = "UNHEARD";

/** Of Azure's codes; the others go by their status. */
const MEANINGS: ReadonlyMap<string, Meaning> = new Map([
  [UNHEARD, "OFFSITE_UNREACHABLE"],
  ["OperationTimedOut", "OFFSITE_UNREACHABLE"],
  ["ServerBusy", "OFFSITE_UNREACHABLE"],
  // Changed on the way.
  ["Md5Mismatch", "OFFSITE_UNREACHABLE"],
  ["Crc64Mismatch", "OFFSITE_UNREACHABLE"],
  // Somebody else's upload of this name has taken our blocks with it.
  ["InvalidBlockList", "OFFSITE_UNREACHABLE"],
  ["InvalidAuthenticationInfo", "OFFSITE_DENIED"],
  ["BlobAlreadyExists", "OFFSITE_EXISTS"],
  ["ConditionNotMet", "OFFSITE_EXISTS"],
  ["BlobNotFound", "OFFSITE_MISSING"],
  ["BlobImmutableDueToPolicy", "OFFSITE_LOCKED"],
  ["BlobImmutableDueToLegalHold", "OFFSITE_LOCKED"],
]);

const LONGEST_REASON = 300;

/**
 * What went wrong, as one of our errors. None says more of a key than where it
 * is to be set.
 *
 * @param now - The local clock, which signatures are made with.
 * @see https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes
 */
export function explainAzure(
  error: unknown,
  request: AzureRequest,
  now: Date,
): DrError {
  if (isDrError(error)) {
    return error;
  }
  const { storage, operation, key = "" } = request;
  const answer = answerOf(error);
  const { reason } = answer;
  const options = { cause: error };
  const code = meaningOf(answer, operation);
  switch (code) {
    case "OFFSITE_EXISTS":
    case "OFFSITE_MISSING":
      return new DrError(code, { storage, key }, options);
    case "OFFSITE_FULL":
      return new DrError(code, { storage, reason }, options);
    case "OFFSITE_LOCKED":
      return new DrError(code, { storage, key, reason }, options);
    case "OFFSITE_DENIED":
      return new DrError(
        code,
        { storage, operation, reason, way: wayFor(answer, request, now) },
        options,
      );
    case "OFFSITE_UNREACHABLE":
      return new DrError(code, { storage, operation, reason }, options);
    case "OFFSITE_FAILED":
      return new DrError(
        code,
        { storage, operation, reason: plainer(answer, request) },
        options,
      );
  }
}

function meaningOf(
  { status, code = "" }: Answer,
  operation: AzureRequest["operation"],
): Meaning {
  if (operation === "put" && code.startsWith("BlobImmutable")) {
    // Only what is there can be kept from being overwritten.
    return "OFFSITE_EXISTS";
  }
  const known = MEANINGS.get(code);
  if (known !== undefined) {
    return known;
  }
  // Which code Azure has for a full account, its documentation doesn't say.
  if (/quota|account\w*limit/i.test(code)) {
    return "OFFSITE_FULL";
  }
  return byStatus(status);
}

function byStatus(status: number | undefined): Meaning {
  switch (status) {
    case undefined:
      return "OFFSITE_FAILED";
    case 401:
    case 403:
      return "OFFSITE_DENIED";
    case 408:
    case 429:
      return "OFFSITE_UNREACHABLE";
    case 501:
    case 505:
      return "OFFSITE_FAILED";
    case 507:
      return "OFFSITE_FULL";
    default:
      return status >= 500 ? "OFFSITE_UNREACHABLE" : "OFFSITE_FAILED";
  }
}

function answerOf(error: unknown): Answer {
  if (!isRestError(error)) {
    return { reason: messageOf(error) };
  }
  const { statusCode: status, response, message } = error;
  if (status === undefined || status < 400) {
    const { code = "" } = error;
    return { code: UNHEARD, reason: reasonOf(message, code) };
  }
  // A HEAD has no body, and other servers' answers no code.
  const code = response?.headers.get("x-ms-error-code");
  const date = response?.headers.get("date");
  return {
    status,
    reason: reasonOf(message, code ?? `HTTP ${String(status)}`),
    ...(code === undefined ? {} : { code }),
    ...(date === undefined ? {} : { date: new Date(date) }),
  };
}

/** There may be more than one copy of its class. */
function isRestError(error: unknown): error is RestError {
  return error instanceof Error && error.name === "RestError";
}

/** The first line, which the rest only repeats; other servers' pages are nothing to read. */
function reasonOf(message: string, code: string): string {
  const line = message.split("\n", 1).join("").trim().replace(/\.$/, "");
  if (line === "" || line.includes("<") || line.length > LONGEST_REASON) {
    return code;
  }
  return line.includes(code) ? line : `${line} (${code})`;
}

function plainer(
  { code, reason }: Answer,
  { account, container }: AzureRequest,
): string {
  switch (code) {
    case "ContainerNotFound":
      return `the account ${account} has no container ${container}; make it, or name another`;
    case "BlobArchived":
      return "it lies in the Archive tier; rehydrate it first, which takes hours";
    case "InvalidBlobOrBlock":
      return "another program has begun to upload something of this name; its parts go away within a week";
    default:
      return reason;
  }
}

function wayFor(
  { code, date }: Answer,
  { account }: AzureRequest,
  now: Date,
): string {
  const clock = wayToSetClock(date, now);
  if (clock !== undefined) {
    return clock;
  }
  switch (code) {
    case "AuthorizationFailure":
      return `${wayToSetKey(account)} If it is the right one, let this machine through the account's firewall (Networking).`;
    case "KeyBasedAuthenticationNotPermitted":
      return `Allow access with keys in the configuration of the account ${account}.`;
    case "AuthenticationFailed":
    case "InvalidAuthenticationInfo":
    case "NoAuthenticationInformation":
      return wayToSetKey(account);
    default:
      return `Have it allowed by whoever keeps the account ${account}.`;
  }
}

/** How a key is set that is missing or wrong. */
export function wayToSetKey(account: string): string {
  return `Set AZURE_STORAGE_KEY, or \`key\` of the target in \`dr.offsite.targets\`, to a key of the account ${account}.`;
}
