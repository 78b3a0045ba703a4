import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

import type { GcsTarget } from "../../../config/types.js";
import { DrError, isDrError, messageOf } from "../../../core/errors.js";
import { fetchReasonOf } from "./fetch-reason.js";
import {
  CREDENTIALS_WAY,
  isPassing,
  refusalOf,
  type Asked,
} from "./refusal.js";

/** As much of google-auth-library as is needed. */
export interface AuthLibrary {
  readonly JWT: new (
    options: ClientOptions & { readonly scopes: string },
  ) => AuthClient & { fromJSON(key: object): void };
  readonly GoogleAuth: new (options: {
    readonly scopes: string;
    readonly projectId?: string;
    readonly clientOptions: ClientOptions;
  }) => AuthClient;
}

interface AuthClient {
  getRequestHeaders(): Promise<Headers>;
}

interface ClientOptions {
  readonly transporterOptions: {
    readonly fetchImplementation: (
      url: string | URL,
      init?: RequestInit,
    ) => Promise<Response>;
    readonly retryConfig: {
      readonly retry: number;
      readonly noResponseRetries: number;
    };
  };
}

interface ServiceAccountKey {
  readonly token_uri?: string;
}

/** Objects, and not who may do what with them. */
const SCOPES = "https://www.googleapis.com/auth/devstorage.read_write";
const TOKEN_URL = "https://oauth2.googleapis.com/token";

/** Of the library's own request to the machine that it runs on. */
const NETWORK_CODES = /^(E(CONN|HOST|NET|AI_|TIMEDOUT|NOTFOUND|PIPE)|UND_ERR_)/;

/** From where @google-cloud/storage has it: nobody else need see it. */
export async function loadAuthLibrary(): Promise<AuthLibrary> {
  const sdk = import.meta.resolve("@google-cloud/storage");
  const library: unknown = createRequire(sdk)("google-auth-library");
  return await Promise.resolve(library as AuthLibrary);
}

/**
 * Who asks. The SDK's library signs and asks for tokens, and sends through
 * here: a token endpoint that stalls or refuses is reported like the store
 * itself, and a key file's `token_uri` counts, as in Google's libraries for
 * other languages.
 */
export class GcsCredentials {
  readonly #target: GcsTarget;
  readonly #library: AuthLibrary;
  readonly #timeoutMs: number;
  #client: AuthClient | "anonymous" | undefined;

  constructor(target: GcsTarget, library: AuthLibrary, timeoutMs: number) {
    this.#target = target;
    this.#library = library;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * What a request must say; a token in it lasts for some minutes.
   *
   * @throws {DrError} OFFSITE_DENIED, OFFSITE_UNREACHABLE; without their cause,
   * which may quote the key file or hold a token.
   */
  async headers(asked: Asked): Promise<Readonly<Record<string, string>>> {
    try {
      this.#client ??= await this.#open(asked);
      return this.#client === "anonymous"
        ? {}
        : Object.fromEntries(await this.#client.getRequestHeaders());
    } catch (error) {
      throw explain(error, asked);
    }
  }

  async #open(asked: Asked): Promise<AuthClient | "anonymous"> {
    const { keyFile, endpoint, projectId } = this.#target;
    // The library reads it too, where no target names a file.
    const { GOOGLE_APPLICATION_CREDENTIALS: fromEnvironment = "" } =
      process.env;
    const file = keyFile ?? fromEnvironment;
    if (file === "" && endpoint !== undefined) {
      return "anonymous";
    }
    const key = file === "" ? undefined : await readKey(file, asked);
    if (key !== undefined) {
      const options = this.#options(asked, key.token_uri);
      const client = new this.#library.JWT({ scopes: SCOPES, ...options });
      client.fromJSON(key);
      return client;
    }
    if (keyFile !== undefined) {
      throw denied(asked, `${keyFile} isn't the key file of a service account`);
    }
    return new this.#library.GoogleAuth({
      scopes: SCOPES,
      ...(projectId === undefined ? {} : { projectId }),
      clientOptions: this.#options(asked, undefined),
    });
  }

  #options(asked: Asked, tokenUrl = TOKEN_URL): ClientOptions {
    return {
      transporterOptions: {
        fetchImplementation: async (url, init) =>
          await this.#fetch(
            String(url) === TOKEN_URL ? tokenUrl : url,
            init,
            asked,
          ),
        // Who asks the store again asks for a token again.
        retryConfig: { retry: 0, noResponseRetries: 0 },
      },
    };
  }

  /** @throws {DrError} when it isn't a success. */
  async #fetch(
    url: string | URL,
    init: RequestInit | undefined,
    asked: Asked,
  ): Promise<Response> {
    try {
      const response = await fetch(url, {
        ...init,
        // Following one would carry what is sent to another host.
        redirect: "manual",
        signal: AbortSignal.timeout(this.#timeoutMs),
      });
      if (response.ok) {
        return response;
      }
      const { status } = response;
      const { reason } = refusalOf(status, parse(await response.text()));
      throw isPassing(status)
        ? unreachable(asked, reason)
        : denied(asked, reason);
    } catch (error) {
      throw isDrError(error) ? error : unreachable(asked, fetchReasonOf(error));
    }
  }
}

/** @returns undefined when the credentials in it aren't a service account's. */
async function readKey(
  file: string,
  asked: Asked,
): Promise<ServiceAccountKey | undefined> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    throw denied(asked, `its key file can't be read: ${messageOf(error)}`);
  }
  const key = parse(text);
  // What the parser says of it would quote it.
  if (typeof key !== "object" || key === null) {
    throw denied(asked, `${file} isn't a key file in JSON`);
  }
  return "type" in key && key.type === "service_account" ? key : undefined;
}

/** The text itself when it isn't JSON. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The library wraps what is thrown in its transport. */
function explain(error: unknown, asked: Asked): DrError {
  for (let one = error; one instanceof Error; one = one.cause) {
    if (isDrError(one)) {
      return one;
    }
  }
  const isUnheard =
    error instanceof Error &&
    "code" in error &&
    NETWORK_CODES.test(String(error.code));
  return isUnheard
    ? unreachable(asked, messageOf(error))
    : denied(asked, messageOf(error));
}

function unreachable(
  { storage, operation }: Asked,
  reason: string,
): DrError {
  return new DrError("OFFSITE_UNREACHABLE", {
    storage,
    operation,
    reason: `no token: ${reason}`,
  });
}

function denied({ storage, operation }: Asked, reason: string): DrError {
  return new DrError("OFFSITE_DENIED", {
    storage,
    operation,
    reason,
    way: CREDENTIALS_WAY,
  });
}
