import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

import type { GcsTarget } from "../../../config/types.js";
import { DrError, isDrError, messageOf } from "../../../core/errors.js";
import { fetchReasonOf } from "./fetch-reason.js";
import { CREDENTIALS_WAY, isPassing, parseBody, refusalOf } from "./refusal.js";

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
  readonly type: "service_account";
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
  readonly #storage: string;
  readonly #target: GcsTarget;
  readonly #library: AuthLibrary;
  readonly #timeoutMs: number;
  /** Of nobody, where nobody asks who it is. */
  #client: Promise<AuthClient | undefined> | undefined;

  constructor(
    storage: string,
    target: GcsTarget,
    library: AuthLibrary,
    timeoutMs: number,
  ) {
    this.#storage = storage;
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
  async headers(): Promise<Readonly<Record<string, string>>> {
    try {
      const client = await (this.#client ??= this.#open());
      return Object.fromEntries((await client?.getRequestHeaders()) ?? []);
    } catch (error) {
      // The next time there may be a key file, or another.
      this.#client = undefined;
      throw this.#explain(error);
    }
  }

  async #open(): Promise<AuthClient | undefined> {
    const { keyFile, endpoint, projectId } = this.#target;
    // The library reads it too, where no target names a file.
    const { GOOGLE_APPLICATION_CREDENTIALS: fromEnvironment = "" } =
      process.env;
    const file = keyFile ?? fromEnvironment;
    if (file === "" && endpoint !== undefined) {
      return undefined;
    }
    const key = file === "" ? undefined : await this.#readKey(file);
    if (key !== undefined) {
      const options = this.#options(key.token_uri);
      const client = new this.#library.JWT({ scopes: SCOPES, ...options });
      client.fromJSON(key);
      return client;
    }
    if (keyFile !== undefined) {
      throw this.#denied(`${keyFile} isn't a service account's key file`);
    }
    return new this.#library.GoogleAuth({
      scopes: SCOPES,
      ...(projectId === undefined ? {} : { projectId }),
      clientOptions: this.#options(),
    });
  }

  /** @returns undefined when the credentials in it aren't a service account's. */
  async #readKey(file: string): Promise<ServiceAccountKey | undefined> {
    let text: string;
    try {
      text = await readFile(file, "utf8");
    } catch (error) {
      throw this.#denied(`its key file can't be read: ${messageOf(error)}`);
    }
    const key = parseBody(text);
    if (typeof key !== "object" || key === null) {
      // What the parser says would quote it.
      throw this.#denied(`${file} isn't a key file in JSON`);
    }
    return isServiceAccountKey(key) ? key : undefined;
  }

  #options(tokenUrl = TOKEN_URL): ClientOptions {
    return {
      transporterOptions: {
        fetchImplementation: async (url, init) =>
          await this.#fetch(String(url) === TOKEN_URL ? tokenUrl : url, init),
        // Who asks the store again asks for a token again.
        retryConfig: { retry: 0, noResponseRetries: 0 },
      },
    };
  }

  /** @throws {DrError} when it isn't a success. */
  async #fetch(url: string | URL, init?: RequestInit): Promise<Response> {
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
      const { reason } = refusalOf(status, parseBody(await response.text()));
      throw isPassing(status)
        ? this.#unreachable(reason)
        : this.#denied(reason);
    } catch (error) {
      throw isDrError(error) ? error : this.#unreachable(fetchReasonOf(error));
    }
  }

  #explain(error: unknown): DrError {
    // The library wraps what its transport throws.
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
      ? this.#unreachable(messageOf(error))
      : this.#denied(messageOf(error));
  }

  #unreachable(reason: string): DrError {
    return new DrError("OFFSITE_UNREACHABLE", {
      storage: this.#storage,
      operation: "access",
      reason: `no token: ${reason}`,
    });
  }

  #denied(reason: string): DrError {
    return new DrError("OFFSITE_DENIED", {
      storage: this.#storage,
      operation: "access",
      reason,
      way: CREDENTIALS_WAY,
    });
  }
}

function isServiceAccountKey(key: object): key is ServiceAccountKey {
  return "type" in key && key.type === "service_account";
}
