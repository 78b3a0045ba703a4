import { DrError } from "../core/errors.js";

/** Where an RPC is, apart from what mustn't be shown of its URL. */
export interface RpcEndpoint {
  /** Holds the keys of its path and query, but no user and password. */
  readonly href: string;
  /** Host and port: all that may be shown. */
  readonly host: string;
  /** What the URL's user and password become: fetch refuses them in a URL. */
  readonly headers: Readonly<Record<string, string>>;
  /** Takes the URL's secrets out of a text, such as an answer that quotes them. */
  readonly redact: (text: string) => string;
}

/** Shorter parts of a path or query are words like `v3`, not keys. */
const SHORTEST_KEY = 8;

/** @throws {DrError} RPC_URL_INVALID, which doesn't quote it. */
export function parseEndpoint(network: string, url: string): RpcEndpoint {
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) {
    throw new DrError("RPC_URL_INVALID", { network });
  }
  const parsed = new URL(url);
  const user = decode(parsed.username);
  const password = decode(parsed.password);
  const secrets = secretsOf(parsed, [user, password]);
  parsed.username = "";
  parsed.password = "";
  return {
    href: parsed.href,
    host: parsed.host,
    headers: user + password === "" ? {} : basicAuthorization(user, password),
    redact: (text) =>
      secrets.reduce((shown, secret) => shown.replaceAll(secret, "…"), text),
  };
}

function basicAuthorization(
  user: string,
  password: string,
): Record<string, string> {
  const credentials = Buffer.from(`${user}:${password}`).toString("base64");
  return { authorization: `Basic ${credentials}` };
}

/** The longest first, so that none leaves a part of another behind. */
function secretsOf(
  { pathname, searchParams, username, password }: URL,
  credentials: readonly string[],
): string[] {
  const parts = pathname.split("/").flatMap((part) => [part, decode(part)]);
  return [
    ...[...parts, ...searchParams.values()].filter(
      ({ length }) => length >= SHORTEST_KEY,
    ),
    ...credentials,
    username,
    password,
  ]
    .filter((secret) => secret !== "")
    .sort((a, b) => b.length - a.length);
}

/** As it stands where it isn't percent-encoded properly. */
function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
