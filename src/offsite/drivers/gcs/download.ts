import { Readable } from "node:stream";

import { DrError } from "../../../core/errors.js";
import { checkedDownload } from "../../checked-download.js";
import { crc32c, crc32cToBase64 } from "../../crc32c.js";
import type { ByteRange } from "../../storage.js";
import { unreachable } from "./api.js";
import type { Asked } from "./refusal.js";

const PARTIAL_CONTENT = 206;

/** What is known of what has to come. */
interface Expected {
  readonly sizeBytes: number | undefined;
  /** In base64, of whole objects only. */
  readonly crc: string | undefined;
}

/**
 * The bytes of an answer, which end only when they are all there and, of a
 * whole object, when their CRC-32C is the one that the store has of it.
 *
 * @param stallMs - Nothing comes for so long: it has broken off.
 * @returns a stream that fails with OFFSITE_UNREACHABLE or OFFSITE_DAMAGED.
 * @throws {DrError} OFFSITE_FAILED when it is an answer to something else.
 */
export function downloadOf(
  { body, status, headers }: Response,
  stallMs: number,
  asked: Asked,
  range: ByteRange | undefined,
): Readable {
  const { storage, operation, key } = asked;
  const bytes = body === null ? Readable.from([]) : Readable.fromWeb(body);
  const oddity = whyNotAsked(status, headers, range);
  if (oddity !== undefined) {
    bytes.destroy();
    throw new DrError("OFFSITE_FAILED", { storage, operation, reason: oddity });
  }
  const expected = expectedOf(headers, range);
  let [sizeBytes, crc] = [0, 0];
  return checkedDownload(bytes, {
    stallMs,
    onChunk: (chunk) => {
      sizeBytes += chunk.length;
      crc = expected.crc === undefined ? 0 : crc32c(chunk, crc);
    },
    onEnd: () => {
      const { sizeBytes: wanted = sizeBytes, crc: digest } = expected;
      if (sizeBytes !== wanted) {
        const reason = `it ended after ${String(sizeBytes)} of ${String(wanted)} bytes`;
        return unreachable(asked, reason);
      }
      const reason = "its CRC-32C isn't the one that the store has of it";
      return digest === undefined || crc32cToBase64(crc) === digest
        ? undefined
        : new DrError("OFFSITE_DAMAGED", { storage, key, reason });
    },
    broken: (reason, cause) => unreachable(asked, reason, cause),
  });
}

/** Why it isn't an answer to what was asked. */
function whyNotAsked(
  status: number,
  headers: Headers,
  range: ByteRange | undefined,
): string | undefined {
  const encoding = headers.get("x-goog-stored-content-encoding") ?? "identity";
  if (encoding !== "identity") {
    // Its size and its digest are those of what is stored.
    return `it is stored with the content encoding ${encoding} and given without`;
  }
  const start = rangeOf(headers)?.start;
  return (status === PARTIAL_CONTENT ? start : undefined) === range?.start
    ? undefined
    : "it gives other bytes than were asked for";
}

function expectedOf(headers: Headers, range: ByteRange | undefined): Expected {
  if (range !== undefined) {
    const { start = 0, end = 0 } = rangeOf(headers) ?? {};
    return { sizeBytes: end - start, crc: undefined };
  }
  const size =
    headers.get("x-goog-stored-content-length") ??
    headers.get("content-length");
  const hashes = headers.get("x-goog-hash") ?? "";
  return {
    sizeBytes: size === null ? undefined : Number(size),
    crc: /crc32c=([\w+/]+=*)/.exec(hashes)?.[1],
  };
}

/** Of `Content-Range: bytes 10-19/1000`. */
function rangeOf(headers: Headers): ByteRange | undefined {
  const [, first, last] =
    /^bytes (\d+)-(\d+)\//.exec(headers.get("content-range") ?? "") ?? [];
  return first === undefined || last === undefined
    ? undefined
    : { start: Number(first), end: Number(last) + 1 };
}
