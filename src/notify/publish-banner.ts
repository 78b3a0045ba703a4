import type { BannerConfig } from "../config/types.js";
import { writeAtomically } from "../core/atomic-write.js";
import { DrError } from "../core/errors.js";
import { readIfThere } from "../core/if-there.js";
import { redacting, secretsInUrl } from "../core/redact.js";
import { writing } from "../core/writing.js";
import {
  encodeBanner,
  nextBanner,
  parseBanner,
  type Banner,
  type PauseState,
} from "./banner.js";
import {
  sendPersistently,
  systemTiming,
  type Sender,
  type Timing,
} from "./deliver.js";
import { parseSecretUrl, refusal, sendByHttp, type Endpoint } from "./http.js";
import { readSecret } from "./open-channel.js";

const LIMIT_MS = 15_000;

/** What became of a banner. */
export interface PublishedBanner {
  readonly banner: Banner;
  /**
   * BANNER_FOREIGN, NOT_WRITABLE, BANNER_NOT_UPLOADED: neither the file nor
   * the upload waits for the other.
   */
  readonly problems: readonly DrError[];
}

/** Says what is paused now where a site looks for it. Never throws. */
export async function publishBanner(
  config: BannerConfig,
  state: PauseState,
  timing: Timing = systemTiming,
): Promise<PublishedBanner> {
  const { file, upload } = config;
  const problems: DrError[] = [];
  const trying = async <T>(work: Promise<T>): Promise<T | undefined> => {
    try {
      return await work;
    } catch (error) {
      problems.push(error as DrError);
      return undefined;
    }
  };
  const found = await trying(readBanner(file));
  const banner = nextBanner(config, found?.banner, state);
  await Promise.all([
    // What stands there and couldn't be read isn't replaced.
    found && trying(writeBanner(file, banner)),
    upload && trying(uploadBanner(upload, banner, timing)),
  ]);
  return { banner, problems };
}

/** @throws {DrError} BANNER_FOREIGN, NOT_WRITABLE. */
async function readBanner(
  file: string,
): Promise<{ readonly banner: Banner | undefined }> {
  const text = (await writing(file, async () => await readIfThere(file))) ?? "";
  const banner = parseBanner(text);
  if (banner === undefined && text.trim() !== "") {
    throw new DrError("BANNER_FOREIGN", { file });
  }
  return { banner };
}

/** @throws {DrError} NOT_WRITABLE. */
async function writeBanner(file: string, banner: Banner): Promise<void> {
  await writing(file, async () => {
    await writeAtomically(file, encodeBanner(banner));
  });
}

/**
 * Puts it where the configuration says, and tries again when that may help.
 *
 * @throws {DrError} BANNER_NOT_UPLOADED, after at most 15 s.
 */
async function uploadBanner(
  upload: NonNullable<BannerConfig["upload"]>,
  banner: Banner,
  timing: Timing,
): Promise<void> {
  const { error } = await sendPersistently(
    "banner",
    async () => await openUpload(upload, banner),
    { timing, limitMs: LIMIT_MS, id: banner.updatedAt },
  );
  if (error !== undefined) {
    const reason = error.message.replace(/^banner: |\.$/g, "");
    throw new DrError("BANNER_NOT_UPLOADED", { reason });
  }
}

async function openUpload(
  upload: NonNullable<BannerConfig["upload"]>,
  banner: Banner,
): Promise<Sender> {
  const setting = "dr.banner.upload";
  const text = await readSecret("banner", `${setting}.url`, upload.url);
  const url = parseSecretUrl("banner", `${setting}.url`, text);
  const headers = await Promise.all(
    Object.entries(upload.headers).map(
      async ([name, value]) =>
        [
          name,
          await readSecret("banner", `${setting}.headers.${name}`, value),
        ] as const,
    ),
  );
  // Of `Bearer TOKEN` a server may quote the token alone.
  const values = headers.flatMap(([, value]) => [value, ...value.split(" ")]);
  const redact = redacting([text, ...secretsInUrl(url), ...values]);
  const endpoint: Endpoint = { channel: "banner", url, redact };
  return {
    address: url.host,
    redact,
    send: async (attempt) =>
      await sendByHttp(
        endpoint,
        {
          method: "PUT",
          headers: {
            "content-type": "application/json",
            "cache-control": "no-cache",
            ...Object.fromEntries(headers),
          },
          body: encodeBanner(banner),
        },
        attempt,
        (answer) => {
          if (answer.status >= 300) {
            throw refusal(endpoint, answer);
          }
          return `HTTP ${answer.status}`;
        },
      ),
  };
}
