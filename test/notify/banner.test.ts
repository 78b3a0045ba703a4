import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import { expect } from "chai";

import type { BannerConfig, Secret } from "../../src/config/types.js";
import type { Banner, PauseState } from "../../src/notify/banner.js";
import { publishBanner } from "../../src/notify/publish-banner.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { FakeTiming, NOW } from "./fake-timing.js";
import { HttpRecorder } from "./http-recorder.js";

const A = {
  contract: "SkillProfile",
  address: `0x${"aa".repeat(20)}`,
} as const;
const B = { contract: "Endorsement", address: `0x${"bb".repeat(20)}` } as const;
const LATER = new Date(NOW.getTime() + 60_000);

const secret = (text: string): Secret => ({
  get: async () => await Promise.resolve(text),
});

function stateOf(
  paused: PauseState["paused"],
  at = NOW,
  chainId = 1,
): PauseState {
  return { network: "mainnet", chainId, paused, at };
}

describe("the banner", () => {
  const folder = useTemporaryFolder();
  let config: BannerConfig;
  let timing: FakeTiming;

  beforeEach(() => {
    config = {
      network: "mainnet",
      file: join(folder.path, "public/banner.json"),
    };
    timing = new FakeTiming();
  });

  const publish = async (state: PauseState) =>
    await publishBanner(config, state, timing);
  const written = async () =>
    JSON.parse(await readFile(config.file, "utf8")) as Banner;

  it("says what is paused, since when, and that it is over", async () => {
    await publish(stateOf([A]));
    expect(await written()).to.deep.equal({
      schemaVersion: 1,
      status: "paused",
      severity: "critical",
      message: "Some functions are paused for the moment: SkillProfile.",
      network: "mainnet",
      chainId: 1,
      paused: [{ ...A, since: NOW.toISOString() }],
      since: NOW.toISOString(),
      updatedAt: NOW.toISOString(),
    });
    await publish(stateOf([B, A], LATER));
    const more = await written();
    expect(more.paused).to.deep.equal([
      { ...B, since: LATER.toISOString() },
      { ...A, since: NOW.toISOString() },
    ]);
    expect(more).to.include({
      since: NOW.toISOString(),
      updatedAt: LATER.toISOString(),
    });
    await publish(stateOf([], LATER));
    expect(await written()).to.deep.equal({
      schemaVersion: 1,
      status: "operational",
      severity: null,
      message: "",
      network: "mainnet",
      chainId: 1,
      paused: [],
      since: null,
      updatedAt: LATER.toISOString(),
    });
    expect((await stat(config.file)).mode & 0o777).to.equal(0o644);
    expect(await readdir(dirname(config.file))).to.deep.equal(["banner.json"]);
  });

  it("says it in the user's words, and knows one chain from another", async () => {
    config = { ...config, message: "We are looking into it." };
    await publish(stateOf([A]));
    expect((await written()).message).to.equal("We are looking into it.");
    await publish(stateOf([A], LATER, 5));
    expect((await written()).since).to.equal(LATER.toISOString());
  });

  it("takes the place of no other file", async () => {
    await mkdir(join(folder.path, "public"));
    for (const text of ["{}", "not JSON", '{"schemaVersion":2}', "null"]) {
      await writeFile(config.file, text);
      const { problems } = await publish(stateOf([A]));
      expect(problems.map(({ code }) => code)).to.deep.equal([
        "BANNER_FOREIGN",
      ]);
      expect(await readFile(config.file, "utf8")).to.equal(text);
    }
    await writeFile(config.file, "\n");
    expect((await publish(stateOf([A]))).problems).to.deep.equal([]);
  });

  it("says that it can't be written", async () => {
    await writeFile(join(folder.path, "public"), "");
    const { problems, banner } = await publish(stateOf([A]));
    expect(problems.map(({ code }) => code)).to.deep.equal(["NOT_WRITABLE"]);
    expect(banner.status).to.equal("paused");
  });

  describe("that is uploaded", () => {
    let server: HttpRecorder;

    beforeEach(async () => {
      server = await HttpRecorder.start({ status: 200 });
      config = {
        ...config,
        upload: {
          url: secret(`${server.url}/banner.json?X-Amz-Signature=5ecret-sig`),
          headers: {
            authorization: secret("Bearer 5ecret-token"),
            "x-ms-blob-type": secret("BlockBlob"),
          },
        },
      };
    });

    afterEach(async () => {
      await server.stop();
    });

    it("is put there, the same as in the file", async () => {
      expect((await publish(stateOf([A]))).problems).to.deep.equal([]);
      const [request] = server.requests;
      expect(request).to.include({
        method: "PUT",
        path: "/banner.json?X-Amz-Signature=5ecret-sig",
        body: await readFile(config.file, "utf8"),
      });
      expect(request!.headers).to.include({
        "content-type": "application/json",
        "cache-control": "no-cache",
        authorization: "Bearer 5ecret-token",
        "x-ms-blob-type": "BlockBlob",
      });
    });

    it("is put there again when the server was busy", async () => {
      server.answers.push({ status: 503 });
      expect((await publish(stateOf([A]))).problems).to.deep.equal([]);
      expect(server.requests).to.have.length(2);
    });

    it("is written to the file when it can't be, and no secret is shown", async () => {
      server.otherwise = { status: 403, body: "5ecret-sig and 5ecret-token" };
      const { problems } = await publish(stateOf([A]));
      expect(problems.map(({ code }) => code)).to.deep.equal([
        "BANNER_NOT_UPLOADED",
      ]);
      expect(problems[0]!.message).to.include("HTTP 403");
      expect(problems[0]!.message).to.not.include("5ecret");
      expect((await written()).status).to.equal("paused");
    });

    it("is uploaded when the file can't be written", async () => {
      await writeFile(join(folder.path, "public"), "");
      const { problems } = await publish(stateOf([A]));
      expect(problems.map(({ code }) => code)).to.deep.equal(["NOT_WRITABLE"]);
      expect(server.requests).to.have.length(1);
    });
  });
});
