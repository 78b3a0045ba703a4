import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import type { Address, Hex } from "../../src/core/hex.js";
import { isSealed } from "../../src/safe/sealing.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { contractAt, encode, read, signer } from "../helpers/contracts.js";
import { executeAsSafe, safeAt } from "../helpers/deploy-governance.js";
import { placeKey, RECIPIENT } from "../helpers/go-bag.js";
import {
  openSafeScene,
  type SafeScene,
  type SafeTaskJson,
} from "./safe-scene.js";

const DONE = 0;
const REFUSED = 3;
const WAITING = 4;

interface Readiness {
  readonly status: string;
  readonly ahead?: string;
  readonly reasons?: readonly string[];
}

type Checked = SafeTaskJson & { readonly readiness: Readiness };

describe("the go-bag", () => {
  const folder = useTemporaryFolder();

  afterEach(() => {
    process.exitCode = undefined;
  });

  async function open(broken = false): Promise<SafeScene> {
    const identityFile = await placeKey(folder.path);
    return await openSafeScene(join(folder.path, "project"), {
      broken,
      config: { dr: { goBag: { recipients: [RECIPIENT], identityFile } } },
    });
  }

  async function presign(
    { run }: SafeScene,
    args: Readonly<Record<string, unknown>> = {},
  ): Promise<SafeTaskJson> {
    return await run("dr:safe:presign", {
      procedure: "pause",
      all: true,
      yes: true,
      ...args,
    });
  }

  /** Presigned and signed by three owners. */
  async function packed(
    scene: SafeScene,
    args: Readonly<Record<string, unknown>> = {},
  ): Promise<readonly string[]> {
    const { proposals } = await presign(scene, { nonces: "2", ...args });
    const hashes = proposals.map(({ safeTxHash }) => safeTxHash);
    for (const hash of hashes) {
      await scene.sign(hash, 3);
    }
    return hashes;
  }

  async function check({ run }: SafeScene): Promise<readonly Checked[]> {
    const { proposals } = await run("dr:safe:check");
    return proposals as readonly Checked[];
  }

  async function statuses(scene: SafeScene): Promise<readonly string[]> {
    return (await check(scene)).map(({ readiness: { status, ahead } }) =>
      `${status} ${ahead ?? ""}`.trim(),
    );
  }

  async function isPaused({ connection, platform }: SafeScene) {
    const all = [
      platform.skillProfile,
      platform.endorsement,
      platform.skillClaim,
    ].map(
      async (address) =>
        await read(
          await contractAt(connection, "SkillProfile", address),
          "paused",
        ),
    );
    return await Promise.all(all);
  }

  /** The Safe does something else with its next nonce. */
  async function otherwise(
    scene: SafeScene,
    to: Address,
    data: Hex,
  ): Promise<void> {
    const { connection, safe } = scene;
    const signers = await Promise.all(
      [1, 2, 3].map(async (index) => await signer(connection, index)),
    );
    await executeAsSafe(connection, safe, signers, { to, data });
  }

  it("is packed for the next nonces, signed in calm, checked, and executed by anybody", async () => {
    const scene = await open();
    const proposed = await presign(scene);
    expect(proposed.error).to.equal(undefined);
    expect(process.exitCode).to.equal(DONE);
    expect(
      proposed.proposals.map(({ calls, standing }) => [
        calls.map(({ name, method }) => `${name!}.${method!}`),
        standing,
      ]),
    ).to.deep.equal(
      [{ status: "current" }, "1", "2"].map((ahead) => [
        ["SkillProfile.pause()", "Endorsement.pause()", "SkillClaim.pause()"],
        typeof ahead === "string" ? { status: "future", ahead } : ahead,
      ]),
    );
    expect(await statuses(scene)).to.deep.equal([
      "unsigned",
      "unsigned",
      "unsigned",
    ]);
    expect(process.exitCode).to.equal(WAITING);

    const hashes = proposed.proposals.map(({ safeTxHash }) => safeTxHash);
    for (const hash of hashes) {
      await scene.sign(hash, 3);
    }
    expect(await statuses(scene)).to.deep.equal([
      "ready",
      "future 1",
      "future 2",
    ]);
    expect(process.exitCode).to.equal(DONE);

    const names = await readdir(join(scene.folder, "safe"));
    expect([...names].sort()).to.deep.equal(
      hashes.map((hash) => `${hash}.json.age`).sort(),
    );
    for (const name of names) {
      const text = await readFile(join(scene.folder, "safe", name), "utf8");
      expect(isSealed(text)).to.equal(true);
    }

    const stranger = (await signer(scene.connection, 9)).address;
    const executed = await scene.run("dr:safe:execute", {
      proposal: hashes[0],
      from: stranger,
      yes: true,
    });
    expect(executed.status).to.equal("done");
    expect(await isPaused(scene)).to.deep.equal([true, true, true]);
    const [used, next] = await check(scene);
    expect(used?.readiness.status).to.equal("used");
    // All is paused: the next would have nothing to do.
    expect(next?.readiness.status).to.equal("stale");
    expect(next?.readiness.reasons?.join()).to.include("On a fork it fails");
    expect(process.exitCode).to.equal(REFUSED);
  });

  it("is what dr:pause takes, without asking the owners again", async () => {
    const scene = await open();
    const [first] = await packed(scene);
    const stranger = (await signer(scene.connection, 9)).address;
    const paused = await scene.run("dr:pause", {
      all: true,
      from: stranger,
      yes: true,
    });
    expect(paused.error).to.equal(undefined);
    expect(paused.status).to.equal("done");
    expect(await isPaused(scene)).to.deep.equal([true, true, true]);
    const status = await scene.run("dr:safe:status", { proposal: first });
    expect(status.standing.status).to.equal("executed");
  });

  it("holds pauses that fit whatever the proxies have been upgraded to", async () => {
    const scene = await open();
    await packed(scene, { nonces: "3" });
    const { connection, platform } = scene;
    const bad = await connection.ethers.deployContract("EndorsementV2");
    await otherwise(
      scene,
      platform.endorsement,
      await encode(connection, "Endorsement", "upgradeToAndCall", [
        await bad.getAddress(),
        "0x",
      ]),
    );
    const [taken, ...others] = await check(scene);
    expect(taken?.readiness.status).to.equal("stale");
    const block = await connection.ethers.provider.getBlock("latest", true);
    expect(taken?.readiness.reasons?.join()).to.include(block!.transactions[0]);
    expect(process.exitCode).to.equal(REFUSED);
    expect(others.map(({ readiness }) => readiness)).to.deep.equal([
      { status: "ready" },
      { status: "future", ahead: "1" },
    ]);
  });

  it("holds rollbacks, good as long as the proxies are as they are, paused or not", async () => {
    const scene = await open(true);
    const hashes = await packed(scene, { procedure: "rollback", nonces: "2" });
    expect(await statuses(scene)).to.deep.equal(["ready", "future 1"]);
    // The pause that came first took the first nonce.
    const profile = await contractAt(
      scene.connection,
      "SkillProfile",
      scene.platform.skillProfile,
    );
    await otherwise(
      scene,
      scene.platform.skillProfile,
      await encode(scene.connection, "SkillProfile", "pause"),
    );
    expect(await statuses(scene)).to.deep.equal(["stale", "ready"]);
    const executed = await scene.run("dr:safe:execute", {
      proposal: hashes[1],
      yes: true,
    });
    expect(executed.status).to.equal("done");
    expect(await read(profile, "version")).to.equal("1.0.0");
    expect(await read(profile, "paused")).to.equal(true);
  });

  it("says that a rollback is stale once a proxy has moved", async () => {
    const scene = await open(true);
    await packed(scene, { procedure: "rollback", nonces: "2" });
    const { platform, connection } = scene;
    const other = await connection.ethers.deployContract("EndorsementV2");
    await otherwise(
      scene,
      platform.endorsement,
      await encode(connection, "Endorsement", "upgradeToAndCall", [
        await other.getAddress(),
        "0x",
      ]),
    );
    const [, second] = await check(scene);
    expect(second?.readiness.reasons?.join()).to.include(
      "Endorsement's implementation is",
    );
  });

  it("says that an owner who signed is none any more, and that the threshold rose", async () => {
    const scene = await open();
    await packed(scene, { nonces: "4" });
    const contract = await safeAt(scene.connection, scene.safe);
    const [, second, third] = scene.owners;
    await otherwise(
      scene,
      scene.safe,
      contract.interface.encodeFunctionData("changeThreshold", [4]) as Hex,
    );
    const [, risen] = await check(scene);
    expect(risen?.readiness).to.deep.include({
      status: "unsigned",
      have: 3,
      threshold: 4,
    });
    const fourth = await signer(scene.connection, 4);
    const signers = await Promise.all(
      [1, 2, 3].map(async (index) => await signer(scene.connection, index)),
    );
    await executeAsSafe(scene.connection, scene.safe, [...signers, fourth], {
      to: scene.safe,
      data: contract.interface.encodeFunctionData("removeOwner", [
        second,
        third,
        3,
      ]) as Hex,
    });
    const [, , gone] = await check(scene);
    expect(gone?.readiness.status).to.equal("stale");
    expect(gone?.readiness.reasons?.join()).to.include(third!);
    expect(process.exitCode).to.equal(REFUSED);
  });

  it("keeps signatures together: what was signed in the clear is sealed with the rest", async () => {
    const scene = await open();
    const clear = await scene.run("dr:safe:propose", {
      calls: ["SkillProfile.pause()"],
      yes: true,
    });
    await scene.sign(clear.safeTxHash, 2);
    const { proposals } = await presign(scene, {
      all: false,
      names: ["SkillProfile"],
      nonces: "1",
    });
    expect(proposals[0]?.safeTxHash).to.equal(clear.safeTxHash);
    const status = await scene.run("dr:safe:status", {
      proposal: clear.safeTxHash,
    });
    expect(status.signatures.count).to.equal(2);
    expect(await readdir(join(scene.folder, "safe"))).to.deep.equal([
      `${clear.safeTxHash}.json.age`,
    ]);
  });

  it("writes nothing in a dry run, and nothing without a key", async () => {
    const scene = await open();
    const dry = await presign(scene, { dryRun: true });
    expect(dry.proposals).to.have.lengthOf(3);
    const empty = await scene.run("dr:safe:check");
    expect(empty.error?.code).to.equal("GO_BAG_EMPTY");
    const keyless = await openSafeScene(join(folder.path, "keyless"));
    expect((await presign(keyless)).error?.code).to.equal(
      "GO_BAG_NOT_CONFIGURED",
    );
  });

  it("doesn't hide the others when one can't be opened", async () => {
    const scene = await open();
    const hashes = await packed(scene, { nonces: "2" });
    const file = join(scene.folder, "safe", `${hashes[0]!}.json.age`);
    const text = await readFile(file, "utf8");
    await writeFile(file, text.replace(/\n(.)/, "\nX"));
    const checked = await check(scene);
    expect(
      checked.map((one) => one.error?.code ?? one.readiness.status).sort(),
    ).to.deep.equal(["GO_BAG_NOT_OPENED", "future"].sort());
    expect(process.exitCode).to.equal(REFUSED);
    await rm(join(folder.path, "go-bag.key"));
    const locked = await check(scene);
    expect(locked.map(({ error }) => error?.code)).to.deep.equal([
      "KEY_FILE_UNREADABLE",
      "KEY_FILE_UNREADABLE",
    ]);
  });

  it("refuses what no Safe can do, and what it doesn't know", async () => {
    const scene = await open();
    const bad = [
      { procedure: "upgrade" },
      { nonces: "0" },
      { nonces: "21" },
      { nonces: "two" },
    ];
    for (const args of bad) {
      expect((await presign(scene, args)).error?.code).to.equal(
        "OPTION_INVALID",
      );
    }
    await packed(scene, { nonces: "1" });
    await scene.run("dr:pause", { all: true, yes: true });
    const nothing = await presign(scene);
    expect(nothing.error?.code).to.equal("PRESIGN_NOTHING");
    expect(nothing.error?.message).to.include("SkillProfile is paused now");
    expect(process.exitCode).to.equal(REFUSED);
  });
});
