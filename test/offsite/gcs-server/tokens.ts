import {
  createPublicKey,
  generateKeyPairSync,
  randomUUID,
  verify,
  type KeyObject,
} from "node:crypto";

import { toJson, type Answer } from "./answer.js";

const GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/** Whatever its URL, the audience of Google's token endpoint. */
const AUDIENCE = "https://oauth2.googleapis.com/token";
/** No more than objects need. */
const SCOPE = "https://www.googleapis.com/auth/devstorage.read_write";
const LONGEST_S = 3600;
const SKEW_S = 60;

export interface ServiceAccount {
  readonly email: string;
  readonly privateKey: string;
  readonly publicKey: KeyObject;
}

export function makeServiceAccount(email: string): ServiceAccount {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return {
    email,
    privateKey: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    publicKey: createPublicKey(privateKey),
  };
}

/** Google's token endpoint, and who has a token of it. */
export class Tokens {
  readonly #account: ServiceAccount;
  readonly #now: () => number;
  /** With the Unix milliseconds until which they are good. */
  readonly #given = new Map<string, number>();

  constructor(account: ServiceAccount, now: () => number) {
    this.#account = account;
    this.#now = now;
  }

  get given(): readonly string[] {
    return [...this.#given.keys()];
  }

  isGood(authorization: string | undefined): boolean {
    const token = /^Bearer (\S+)$/.exec(authorization ?? "")?.[1] ?? "";
    return (this.#given.get(token) ?? 0) > this.#now();
  }

  revoke(): void {
    this.#given.clear();
  }

  /** @see RFC 7523, 3 */
  grant(form: URLSearchParams): Answer {
    const description =
      form.get("grant_type") === GRANT
        ? this.#whatIsWrong(form.get("assertion") ?? "")
        : "Invalid grant type.";
    if (description !== undefined) {
      const error = "invalid_grant";
      return toJson(400, { error, error_description: description });
    }
    const token = `ya29.${randomUUID()}`;
    this.#given.set(token, this.#now() + LONGEST_S * 1000);
    return toJson(200, {
      access_token: token,
      expires_in: LONGEST_S,
      token_type: "Bearer",
    });
  }

  #whatIsWrong(assertion: string): string | undefined {
    const [header = "", claims = "", signature = ""] = assertion.split(".");
    if (claimOf(header, "alg") !== "RS256") {
      return "Invalid JWT: unsupported algorithm.";
    }
    if (claimOf(claims, "iss") !== this.#account.email) {
      return "Invalid grant: account not found";
    }
    const isSigned = verify(
      "RSA-SHA256",
      Buffer.from(`${header}.${claims}`),
      this.#account.publicKey,
      Buffer.from(signature, "base64url"),
    );
    if (!isSigned) {
      return "Invalid JWT Signature.";
    }
    const [from, until] = ["iat", "exp"].map((name) => claimOf(claims, name));
    const now = this.#now() / 1000;
    const isTimely =
      Number(from) <= now + SKEW_S &&
      Number(until) > now &&
      Number(until) - Number(from) <= LONGEST_S;
    if (!isTimely) {
      return "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.";
    }
    return claimOf(claims, "aud") === AUDIENCE &&
      claimOf(claims, "scope") === SCOPE
      ? undefined
      : "Invalid OAuth scope or ID token audience provided.";
  }
}

function claimOf(part: string, name: string): unknown {
  const text = Buffer.from(part, "base64url").toString();
  return (JSON.parse(text === "" ? "{}" : text) as Record<string, unknown>)[
    name
  ];
}
