import { appendFile, mkdir } from "node:fs/promises";
import { dirname } from "node:path";

import type { Announcement } from "../core/announcement.js";
import { writing } from "../core/writing.js";
import type { Delivery } from "./deliver.js";

/**
 * Adds to `notifications.ndjson` what became of an announcement, a line a
 * channel. No line holds a secret: a delivery knows none.
 *
 * @throws {DrError} NOT_WRITABLE.
 */
export async function logDeliveries(
  path: string,
  announcement: Announcement,
  deliveries: readonly Delivery[],
): Promise<void> {
  const lines = deliveries.map(
    (delivery) => `${JSON.stringify(lineOf(announcement, delivery))}\n`,
  );
  await writing(path, async () => {
    await mkdir(dirname(path), { recursive: true });
    // In one write: processes that log at once don't mix their lines.
    await appendFile(path, lines.join(""));
  });
}

function lineOf(
  { at, key, action, severity, title, source }: Announcement,
  { channel, address, attempts, milliseconds, receipt, error }: Delivery,
): object {
  return {
    at: at.toISOString(),
    key,
    action,
    severity,
    title,
    source,
    channel,
    address,
    status: error === undefined ? "delivered" : "failed",
    attempts,
    milliseconds,
    ...(receipt === undefined ? {} : { receipt }),
    ...(error === undefined
      ? {}
      : { error: { code: error.code, message: error.message } }),
  };
}
