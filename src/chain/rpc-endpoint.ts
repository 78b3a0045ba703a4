import { DrError } from "../core/errors.js";
import { decodePart, redacting, secretsInUrl } from "../core/redact.js";

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

/** @throws {DrError} RPC_URL_INVALID, which doesn't quote it. */
export function parseEndpoint(network: string, url: string): RpcEndpoint {
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) {
    throw new DrError("RPC_URL_INVALID", { network });
  }
  const parsed = new URL(url);
  const user = decodePart(parsed.username);
  const password = decodePart(parsed.password);
  const redact = redacting(secretsInUrl(parsed));
  parsed.username = "";
  parsed.password = "";
  return {
    href: parsed.href,
    host: parsed.host,
    headers: user + password === "" ? {} : basicAuthorization(user, password),
    redact,
  };
}

function basicAuthorization(
  user: string,
  password: string,
): Record<string, string> {
  const credentials = Buffer.from(`${user}:${password}`).toString("base64");
  return { authorization: `Basic ${credentials}` };
}
