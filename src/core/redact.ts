/** Shorter parts of a URL's path or query are words like `v3`, not keys. */
const SHORTEST_KEY = 8;

/** Takes secrets out of a text, such as a server's answer that quotes them. */
export function redacting(
  secrets: readonly string[],
): (text: string) => string {
  // The longest first, so that none leaves a part of another behind.
  const sorted = secrets
    .filter((secret) => secret !== "")
    .sort((a, b) => b.length - a.length);
  return (text) =>
    sorted.reduce((shown, secret) => shown.replaceAll(secret, "…"), text);
}

/** What of a URL may be a key: its user and password, and the longer parts of path and query. */
export function secretsInUrl({
  pathname,
  searchParams,
  username,
  password,
}: URL): string[] {
  const parts = pathname.split("/").flatMap((part) => [part, decodePart(part)]);
  return [
    ...[...parts, ...searchParams.values()].filter(
      ({ length }) => length >= SHORTEST_KEY,
    ),
    ...[username, password].flatMap((part) => [part, decodePart(part)]),
  ];
}

/** A part of a URL as it was meant; as it stands where it isn't percent-encoded properly. */
export function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
