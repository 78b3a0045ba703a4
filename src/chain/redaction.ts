/** Shorter parts of a path are words like `v3`, and no keys. */
const SHORTEST_KEY = 8;

/**
 * What hides a URL's secrets in a text of somebody else's: nodes quote the key
 * that they refuse.
 */
export function redactorOf(url: string): (text: string) => string {
  if (!URL.canParse(url)) {
    return (text) => text;
  }
  const { username, password, pathname, searchParams } = new URL(url);
  const parts = [...pathname.split("/"), ...searchParams.values()];
  const secrets = [
    ...parts.filter(({ length }) => length >= SHORTEST_KEY),
    ...[username, password].filter((secret) => secret !== ""),
  ].flatMap((secret) => [secret, decodeURIComponent(secret)]);
  return (text) =>
    secrets.reduce((hidden, secret) => hidden.replaceAll(secret, "…"), text);
}
