/**
 * How long a busy server wants to be left alone: HTTP's `Retry-After`, in
 * seconds or as a date.
 *
 * @returns milliseconds, 0 when the time has passed; undefined when it says nothing of use.
 * @see RFC 9110, section 10.2.3
 */
export function parseRetryAfter(
  header: string | null,
  now: Date,
): number | undefined {
  const text = header?.trim() ?? "";
  const wait = /^\d+$/.test(text)
    ? Number(text) * 1000
    : Date.parse(text) - now.getTime();
  return Number.isNaN(wait) ? undefined : Math.max(wait, 0);
}
