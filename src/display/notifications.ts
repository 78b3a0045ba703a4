import Table from "cli-table3";

import type { Json } from "../core/canonical-json.js";
import type { Delivery } from "../notify/deliver.js";
import { errorToJson, formatError } from "./error.js";
import { formatDuration, type Paint } from "./text.js";

/** What became of a message in each channel, and how long that took. */
export function formatDeliveries(
  deliveries: readonly Delivery[],
  paint: Paint,
): string {
  const table = new Table({
    head: ["channel", "at", "status", "attempts", "time", "answer"],
    style: { head: [], border: [] },
    wordWrap: true,
    colWidths: [null, null, null, null, null, 40],
  });
  for (const delivery of deliveries) {
    const { channel, address, attempts, milliseconds } = delivery;
    const { receipt, error } = delivery;
    table.push([
      channel,
      address,
      error === undefined ? paint("green", "ok") : paint("red", "failed"),
      attempts,
      formatTime(milliseconds),
      receipt ?? error?.code ?? "",
    ]);
  }
  const errors = deliveries.flatMap(({ error }) =>
    error === undefined ? [] : [formatError(error, paint)],
  );
  return `${table.toString()}\n${errors.join("")}`;
}

/** To the millisecond where it is fast. */
function formatTime(milliseconds: number): string {
  return milliseconds < 1000
    ? `${milliseconds} ms`
    : formatDuration(milliseconds);
}

/** For `--json`. */
export function deliveryToJson({ error, ...delivery }: Delivery): Json {
  return {
    ...delivery,
    status: error === undefined ? "delivered" : "failed",
    ...(error === undefined ? {} : { error: errorToJson(error) }),
  };
}
