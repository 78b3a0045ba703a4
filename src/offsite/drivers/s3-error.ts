import { DrError, isDrError, messageOf } from "../../core/errors.js";
import { wayToSetClock } from "./clock-skew.js";

/** What is asked of S3, and the right that it takes. */
const RIGHTS = {
  ListObjectsV2: "s3:ListBucket",
  // Without the second, what isn't there is refused like what isn't allowed.
  HeadObject: "s3:GetObject, and s3:ListBucket on the bucket,",
  GetObject: "s3:GetObject, and s3:ListBucket on the bucket,",
  PutObject: "s3:PutObject",
  PutObjectRetention: "s3:PutObjectRetention",
  ListMultipartUploads: "s3:ListBucketMultipartUploads",
  ListParts: "s3:ListMultipartUploadParts",
  CreateMultipartUpload: "s3:PutObject",
  UploadPart: "s3:PutObject",
  CompleteMultipartUpload: "s3:PutObject",
  AbortMultipartUpload: "s3:AbortMultipartUpload",
  DeleteObject: "s3:DeleteObject and s3:DeleteObjectVersion",
} as const;

export type S3Operation = keyof typeof RIGHTS;

export interface S3Request {
  /** For people. */
  readonly storage: string;
  readonly bucket: string;
  readonly operation: S3Operation;
  /** Empty of what isn't about one object. */
  readonly key: string;
  /** Whether the target names its credentials; else the SDK looks for them. */
  readonly hasOwnCredentials: boolean;
}

/** As it came over the wire; without a status there was no answer. */
interface Answer {
  readonly status: number | undefined;
  /** S3's own, `NoSuchKey`, or the SDK's. */
  readonly name: string;
  /** The system's: `ECONNRESET`. */
  readonly systemCode: string | undefined;
  readonly reason: string;
  /** Where the bucket is, when it was looked for elsewhere. */
  readonly region: string | undefined;
  /** The store's clock. */
  readonly date: Date | undefined;
}

const LONGEST_REASON = 300;

/**
 * What went wrong, as one of our errors. None says more of a key than where it
 * is to be set.
 *
 * @param now - The local clock, which signatures are made with.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
 */
export function explainS3(
  error: unknown,
  request: S3Request,
  now = new Date(),
): DrError {
  if (isDrError(error)) {
    return error;
  }
  const answer = answerOf(error);
  const { storage, operation, key } = request;
  const { reason } = answer;
  const options = { cause: error };
  const code = codeOf(answer, operation);
  switch (code) {
    case "OFFSITE_EXISTS":
    case "OFFSITE_MISSING":
      return new DrError(code, { storage, key }, options);
    case "OFFSITE_FULL":
      return new DrError(code, { storage, reason }, options);
    case "OFFSITE_LOCKED":
    case "OFFSITE_DAMAGED":
      return new DrError(code, { storage, key, reason }, options);
    case "OFFSITE_DENIED": {
      const way = wayFor(answer, request, now);
      return new DrError(code, { storage, operation, reason, way }, options);
    }
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

/** What went wrong, in words. */
export function reasonFor(error: unknown): string {
  return answerOf(error).reason;
}

/** Of the HTTP answer; undefined when there was none. */
export function statusOf(error: unknown): number | undefined {
  return answerOf(error).status;
}

function codeOf(
  { status, name, systemCode, reason }: Answer,
  operation: S3Operation,
) {
  switch (name) {
    case "NoSuchKey":
      return "OFFSITE_MISSING";
    case "PreconditionFailed":
      return "OFFSITE_EXISTS";
    // The whole isn't what its parts were when they arrived.
    case "BadDigest":
      return operation === "CompleteMultipartUpload"
        ? "OFFSITE_DAMAGED"
        : "OFFSITE_UNREACHABLE";
    // Changed or cut off on the way.
    case "XAmzContentSHA256Mismatch":
    case "IncompleteBody":
    case "RequestTimeout":
    // Somebody is writing the same, or has ended an upload that we shared.
    case "ConditionalRequestConflict":
    case "OperationAborted":
    case "NoSuchUpload":
    case "TimeoutError":
      return "OFFSITE_UNREACHABLE";
    case "CredentialsProviderError":
    case "ExpiredToken":
    case "ExpiredTokenException":
    case "InvalidToken":
    case "TokenRefreshRequired":
    case "InvalidAccessKeyId":
    case "SignatureDoesNotMatch":
    case "RequestTimeTooSkewed":
    case "RequestExpired":
      return "OFFSITE_DENIED";
    // Moved to an archive, which it must be fetched from first.
    case "InvalidObjectState":
      return "OFFSITE_FAILED";
  }
  if (status === 507 || /quota|StorageFull/i.test(name)) {
    return "OFFSITE_FULL";
  }
  if (operation === "DeleteObject" && /object lock|worm/i.test(reason)) {
    return "OFFSITE_LOCKED";
  }
  return codeOfStatus(status, systemCode);
}

function codeOfStatus(
  status: number | undefined,
  systemCode: string | undefined,
) {
  switch (status) {
    case undefined:
      return systemCode === undefined || isLasting(systemCode)
        ? "OFFSITE_FAILED"
        : "OFFSITE_UNREACHABLE";
    case 401:
    case 403:
      return "OFFSITE_DENIED";
    case 408:
    case 429:
      return "OFFSITE_UNREACHABLE";
    case 501:
    case 505:
      return "OFFSITE_FAILED";
    default:
      return status >= 500 ? "OFFSITE_UNREACHABLE" : "OFFSITE_FAILED";
  }
}

/** Of TLS, or of the address itself: it doesn't get better by trying again. */
function isLasting(systemCode: string): boolean {
  return /CERT|UNABLE_TO_VERIFY|EPROTO|^ERR_INVALID_/.test(systemCode);
}

/** What errors of the SDK and of the system have. */
interface Failure {
  readonly name?: string;
  readonly code?: unknown;
  readonly Region?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly $response?: {
    readonly statusCode?: number;
    readonly headers?: Readonly<Record<string, string>>;
  };
}

function answerOf(error: unknown): Answer {
  const { name, code, Region, $metadata, $response } =
    error instanceof Error ? (error as Failure) : {};
  const status = $metadata?.httpStatusCode ?? $response?.statusCode;
  const systemCode = typeof code === "string" ? code : undefined;
  const headers = $response?.headers;
  return {
    status,
    name: name ?? "",
    systemCode,
    reason: reasonOf(messageOf(error), nameOf(name, status, systemCode)),
    region: headers?.["x-amz-bucket-region"] ?? Region,
    date: headers?.date === undefined ? undefined : new Date(headers.date),
  };
}

/** The shortest of what went wrong; the SDK has names for what has none. */
function nameOf(
  name: string | undefined,
  status: number | undefined,
  systemCode: string | undefined,
): string {
  const own = /^(Unknown|Error)?$/.test(name ?? "") ? undefined : name;
  return status === undefined
    ? (systemCode ?? own ?? "")
    : (own ?? `HTTP ${String(status)}`);
}

/** The first line; what follows is for the SDK's developers, and other servers' pages for nobody. */
function reasonOf(message: string, name: string): string {
  const line = message
    .split("\n", 1)
    .join("")
    .replace(/^@smithy\/[\w-]+ - /, "")
    .replace(/ \(configured by client requestHandler\)/, "")
    .trim()
    .replace(/\.$/, "");
  if (/^(UnknownError)?$|</.test(line) || line.length > LONGEST_REASON) {
    return name;
  }
  return name === "" || line.includes(name) ? line : `${line} (${name})`;
}

function plainer(
  { name, reason, region }: Answer,
  { bucket }: S3Request,
): string {
  if (region !== undefined && /Redirect|AuthorizationHeader/.test(name)) {
    return `the bucket ${bucket} is in the region ${region}; set \`region\` of the target to that`;
  }
  if (reason.startsWith("Region is missing")) {
    return "nobody says which region the bucket is in; set `region` of the target";
  }
  switch (name) {
    case "NoSuchBucket":
      return `there is no bucket ${bucket}; make it, or name another`;
    case "InvalidObjectState":
      return "it lies in an archive; restore it there first, which takes hours";
    default:
      return reason;
  }
}

function wayFor(
  { name, date }: Answer,
  { operation, key, hasOwnCredentials }: S3Request,
  now: Date,
): string {
  // A HEAD is refused without a reason.
  const clock = wayToSetClock(date, now);
  if (clock !== undefined) {
    return clock;
  }
  const credentials = hasOwnCredentials
    ? "`credentials` of the target in `dr.offsite.targets`"
    : "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
  switch (name) {
    case "RequestTimeTooSkewed":
    case "RequestExpired":
      return "Set this machine's clock: it differs too much from the store's.";
    case "CredentialsProviderError":
      return "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or `credentials` of the target in `dr.offsite.targets`.";
    case "ExpiredToken":
    case "ExpiredTokenException":
    case "TokenRefreshRequired":
      return `Log in anew: the session of ${credentials} is over.`;
    case "InvalidAccessKeyId":
    case "InvalidToken":
    case "SignatureDoesNotMatch":
      return `Correct ${credentials}: the store knows no such pair.`;
  }
  const right = RIGHTS[operation];
  return `Give ${credentials} the right ${right}${key === "" ? "" : ` on ${key}`}.`;
}
