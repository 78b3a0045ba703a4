import type { S3Target } from "../../src/config/types.js";
import { openS3, type S3Options } from "../../src/offsite/drivers/s3.js";
import type { Storage } from "../../src/offsite/storage.js";
import { S3Server } from "./s3-server.js";

/** The least that S3 takes. */
export const PART_BYTES = 5 * 1024 * 1024;

/** A strict server, empty before each test, and storages that are kept there. */
export interface S3Scene {
  readonly server: S3Server;
  /** With the right credentials. */
  readonly target: S3Target;
  open(target?: Partial<S3Target>, options?: S3Options): Promise<Storage>;
}

export function secret(value: string): { get(): Promise<string> } {
  return { get: async () => await Promise.resolve(value) };
}

/** For a `describe`: from its hooks on the scene is there. */
export function useS3(): S3Scene {
  let server: S3Server;
  before(async () => {
    server = await S3Server.start();
  });
  after(async () => {
    await server.stop();
  });
  beforeEach(() => {
    server.reset();
  });
  return {
    get server() {
      return server;
    },
    get target(): S3Target {
      const { accessKeyId, secretAccessKey } = server.credentials;
      return {
        kind: "s3",
        name: "s3",
        prefix: "",
        bucket: server.bucket,
        endpoint: server.endpoint,
        credentials: {
          accessKeyId: secret(accessKeyId),
          secretAccessKey: secret(secretAccessKey),
        },
      };
    },
    async open(target = {}, options = {}) {
      return await openS3(
        { ...this.target, ...target },
        { partBytes: PART_BYTES, idleTimeoutMs: 1000, ...options },
      );
    },
  };
}
