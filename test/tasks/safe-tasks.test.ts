import { copyFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";
import { Interface } from "ethers";
import type { NetworkConnection } from "hardhat/types/network";

import { ZERO_ADDRESS, type Address, type Hex } from "../../src/core/hex.js";
import { proposalPath } from "../../src/safe/proposal.js";
import { encodeMultiSend } from "../../src/safe/multi-send.js";
import { signableOf } from "../../src/safe/signature.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import {
  contractAt,
  deploy,
  deployCode,
  encode,
  read,
  send,
  signer,
} from "../helpers/contracts.js";
import {
  deploySafe,
  deploySafeContract,
  executeAsSafe,
  safeArtifact,
  SAFE_VERSIONS,
} from "../helpers/deploy-governance.js";
import { PROXY_ADMIN } from "../helpers/deploy-platform.js";
import { sampleTransaction } from "../safe/sample-transaction.js";
import { addresses, signTyped } from "../safe/sign.js";
import { openSafeScene, type SafeScene } from "./safe-scene.js";

const PAUSE_ALL = [
  "SkillProfile.pause()",
  "Endorsement.pause()",
  "SkillClaim.pause()",
];
const DONE = 0;
const REFUSED = 3;
const WAITING = 4;
const PARTIAL = 5;

describe("the tasks of a Safe", () => {
  const folder = useTemporaryFolder();
  const { isTTY } = process.stdin;

  afterEach(() => {
    process.exitCode = undefined;
    process.stdin.isTTY = isTTY;
  });

  async function isPaused(
    { connection, platform }: SafeScene,
    name: "skillProfile" | "skillClaim" = "skillProfile",
  ): Promise<unknown> {
    return await read(
      await contractAt(connection, "SkillProfile", platform[name]),
      "paused",
    );
  }

  for (const version of SAFE_VERSIONS) {
    it(`propose, sign and execute a pause of all by a 3-of-5 Safe ${version}`, async () => {
      const scene = await openSafeScene(folder.path, { version });
      const { run, owners } = scene;
      const proposed = await run("dr:safe:propose", {
        calls: PAUSE_ALL,
        yes: true,
      });
      expect(proposed.error).to.equal(undefined);
      expect(
        proposed.calls.map(({ name, method }) => [name, method]),
      ).to.deep.equal([
        ["SkillProfile", "pause()"],
        ["Endorsement", "pause()"],
        ["SkillClaim", "pause()"],
      ]);
      expect(proposed.dangers).to.deep.equal([]);
      expect(proposed.simulation).to.include({ status: "success" });
      expect(proposed.simulation?.changes).to.include(
        "SkillProfile OpenZeppelin Pausable: _paused: 0x0 → 0x1",
      );
      const { safeTxHash, hashes } = proposed;
      expect(hashes.protocolKit).to.equal(safeTxHash);
      expect(hashes.contract).to.equal(safeTxHash);

      const early = await run("dr:safe:execute", {
        proposal: safeTxHash,
        yes: true,
      });
      expect(early.error?.code).to.equal("SIGNATURES_MISSING");
      expect(process.exitCode).to.equal(WAITING);

      const signed = await scene.sign(safeTxHash, 3);
      expect(signed.signatures.count).to.equal(3);
      expect(signed.signatures.missing).to.deep.equal(owners.slice(3));
      const [listed] = (await run("dr:safe:status")).proposals;
      expect(listed?.signatures.count).to.equal(3);
      expect(listed?.standing).to.deep.equal({ status: "current" });

      const planned = await run("dr:safe:execute", {
        proposal: proposed.path,
        dryRun: true,
      });
      expect(planned.status).to.equal("planned");
      expect(await isPaused(scene)).to.equal(false);

      const executed = await run("dr:safe:execute", {
        proposal: safeTxHash,
        yes: true,
      });
      expect(executed.status).to.equal("done");
      expect(process.exitCode).to.equal(DONE);
      expect(await isPaused(scene)).to.equal(true);
      expect(await isPaused(scene, "skillClaim")).to.equal(true);
      const after = await run("dr:safe:status", { proposal: safeTxHash });
      expect(after.standing).to.deep.equal({
        status: "executed",
        tx: executed.tx,
      });
      for (const task of ["dr:safe:sign", "dr:safe:execute"]) {
        const again = await run(task, {
          proposal: safeTxHash,
          from: owners[4],
          yes: true,
        });
        expect(again.error?.code).to.equal("SAFE_ALREADY_EXECUTED");
        expect(process.exitCode).to.equal(REFUSED);
      }
    });
  }

  it("propose for the Safe and the nonce that are named", async () => {
    const scene = await openSafeScene(folder.path);
    const { run, safe } = scene;
    const path = join(scene.folder, "deploy.json");
    const file = JSON.parse(await readFile(path, "utf8")) as object;
    await writeFile(path, JSON.stringify({ ...file, governance: {} }));
    const calls = ["SkillProfile.pause()"];
    const unnamed = await run("dr:safe:propose", { calls, yes: true });
    expect(unnamed.error?.code).to.equal("SAFE_NOT_NAMED");
    const named = await run("dr:safe:propose", {
      calls,
      safe,
      nonce: "7",
      yes: true,
    });
    expect(named.standing).to.deep.equal({ status: "future", ahead: "7" });
    // Tried as if its turn had come.
    expect(named.simulation?.status).to.equal("success");
    for (const wrong of [{ nonce: "x" }, { safe: "0x12" }]) {
      const refused = await run("dr:safe:propose", {
        calls,
        safe,
        yes: true,
        ...wrong,
      });
      expect(refused.error?.code).to.equal("OPTION_INVALID");
    }
    await scene.sign(named.safeTxHash, 3);
    const early = await run("dr:safe:execute", {
      proposal: named.safeTxHash,
      yes: true,
    });
    expect(early.error?.code).to.equal("SAFE_NONCE_FUTURE");
    expect(process.exitCode).to.equal(WAITING);
  });

  it("dr:safe:sign signs nothing without a yes", async () => {
    const scene = await openSafeScene(folder.path);
    const hash = await scene.propose({});
    process.stdin.isTTY = false;
    const blind = await scene.run("dr:safe:sign", { proposal: hash });
    expect(blind.error?.code).to.equal("NO_TERMINAL");
    const dry = await scene.run("dr:safe:sign", {
      proposal: hash,
      dryRun: true,
    });
    expect(dry.signatures.count).to.equal(0);
    process.stdin.isTTY = true;
    scene.hre.hooks.registerHandlers("userInterruptions", {
      requestInput: async () => await Promise.resolve("no"),
    });
    const no = await scene.run("dr:safe:sign", { proposal: hash });
    expect(no.error?.code).to.equal("NOT_CONFIRMED");
    const status = await scene.run("dr:safe:status", { proposal: hash });
    expect(status.signatures.count).to.equal(0);
  });

  it("dr:safe:sign takes the first owner whose key is here, and each once", async () => {
    const scene = await openSafeScene(folder.path);
    const { run, owners } = scene;
    const hash = await scene.propose({});
    const args = { proposal: hash, yes: true };
    const first = await run("dr:safe:sign", args);
    expect(first.signatures.missing).to.deep.equal(owners.slice(1));
    const second = await run("dr:safe:sign", args);
    expect(second.signatures.missing).to.deep.equal(owners.slice(2));
    const again = await run("dr:safe:sign", { ...args, from: owners[0] });
    expect(again.error?.code).to.equal("SIGNATURE_DUPLICATE");
    const [, stranger] = await addresses(scene.connection, 0, 9);
    const other = await run("dr:safe:sign", { ...args, from: stranger });
    expect(other.error?.code).to.equal("SAFE_NO_OWNER_HERE");
  });

  it("dr:safe:sign says so when the key's holder doesn't sign", async () => {
    const keyless: Address = "0x000000000000000000000000000000000000dEaD";
    const scene = await openSafeScene(folder.path, {
      threshold: 1,
      owners: async () => await Promise.resolve([keyless]),
    });
    const { error } = await scene.run("dr:safe:sign", {
      proposal: await scene.propose({}),
      from: keyless,
      yes: true,
    });
    expect(error?.code).to.equal("SIGNING_FAILED");
  });

  it("dr:safe:sign takes a signature made elsewhere, if it is worth something", async () => {
    const scene = await openSafeScene(folder.path);
    const { run, owners, safe, platform, connection } = scene;
    const hash = await scene.propose({});
    const made = async (
      account: Address,
      chainId = 31337n,
      nonce = 0n,
      inSafe = safe,
    ) =>
      await signTyped(
        connection,
        account,
        signableOf(
          { chainId, safe: inSafe, version: "1.4.1" },
          sampleTransaction({ to: platform.skillProfile, nonce }),
        ),
      );
    const add = async (signature: Hex) => {
      const result = await run("dr:safe:sign", {
        proposal: hash,
        signature,
        yes: true,
      });
      return result.error?.code ?? result.signatures.count;
    };
    const owner = owners[2]!;
    const [stranger] = await addresses(connection, 9);
    expect(await add("0x1234")).to.equal("SIGNATURE_MALFORMED");
    expect(await add(await made(stranger!))).to.equal("SIGNATURE_NOT_OF_OWNER");
    expect(await add(await made(owner, 1n))).to.equal("SIGNATURE_OTHER_CHAIN");
    expect(await add(await made(owner, 31337n, 1n))).to.equal(
      "SIGNATURE_OTHER_NONCE",
    );
    expect(await add(await made(owner))).to.equal(1);
    expect(await add(await made(owner))).to.equal("SIGNATURE_DUPLICATE");
  });

  it("dr:safe:sign merges two copies that two people signed", async () => {
    const scene = await openSafeScene(folder.path);
    const { run, owners } = scene;
    const hash = await scene.propose({});
    const ours = proposalPath(scene.folder, hash);
    const theirs = join(folder.path, "from a colleague.json");
    const empty = await readFile(ours);
    await run("dr:safe:sign", { proposal: hash, from: owners[0], yes: true });
    await copyFile(ours, theirs);
    await writeFile(ours, empty);
    await run("dr:safe:sign", { proposal: hash, from: owners[1], yes: true });
    const merged = await run("dr:safe:sign", {
      proposal: hash,
      merge: theirs,
      yes: true,
    });
    expect(merged.signatures.missing).to.deep.equal(owners.slice(2));

    const other = await scene.propose({ nonce: 1n });
    const different = await run("dr:safe:sign", {
      proposal: other,
      merge: theirs,
      yes: true,
    });
    expect(different.error?.code).to.equal("PROPOSALS_DIFFER");
    const edited = (await readFile(theirs, "utf8")).replace(
      owners[0]!,
      owners[4]!,
    );
    await writeFile(theirs, edited);
    const refused = await run("dr:safe:sign", {
      proposal: hash,
      merge: theirs,
      yes: true,
    });
    expect(refused.error?.code).to.equal("PROPOSAL_CHANGED");
  });

  it("refuse a file that was edited after it was signed", async () => {
    const scene = await openSafeScene(folder.path);
    const hash = await scene.propose({});
    await scene.sign(hash, 3);
    const path = proposalPath(scene.folder, hash);
    const text = await readFile(path, "utf8");
    await writeFile(path, text.replace('"value": "0"', '"value": "1"'));
    for (const [task, args] of [
      ["dr:safe:sign", { yes: true }],
      ["dr:safe:execute", { yes: true }],
      ["dr:safe:status", {}],
    ] as const) {
      const refused = await scene.run(task, { proposal: hash, ...args });
      expect(refused.error?.code).to.equal("PROPOSAL_CHANGED");
    }
    const [broken] = (await scene.run("dr:safe:status")).proposals;
    expect(broken?.error?.code).to.equal("PROPOSAL_CHANGED");
  });

  it("say which transaction took the nonce", async () => {
    const scene = await openSafeScene(folder.path, { threshold: 1 });
    const { run, connection, safe } = scene;
    const hash = await scene.propose({});
    await scene.sign(hash, 1);
    const owner = await signer(connection, 1);
    await executeAsSafe(connection, safe, [owner], {
      to: owner.address as Address,
      data: "0x",
    });
    const block = await connection.ethers.provider.getBlock("latest", true);
    for (const task of ["dr:safe:sign", "dr:safe:execute"]) {
      const { error } = await run(task, { proposal: hash, yes: true });
      expect(error?.code).to.equal("SAFE_NONCE_TAKEN");
      expect(error?.message).to.contain(block!.transactions[0]);
    }
    const status = await run("dr:safe:status", { proposal: hash });
    expect(status.standing.status).to.equal("taken");
  });

  it("refuse when a proxy isn't as it was when it was proposed", async () => {
    const scene = await openSafeScene(folder.path, { threshold: 1 });
    const { run, connection, safe, platform } = scene;
    const { safeTxHash } = await run("dr:safe:propose", {
      calls: ["SkillProfile.pause()"],
      yes: true,
      nonce: "1",
    });
    await scene.sign(safeTxHash, 1);
    const implementation = await deploy(connection, "SkillProfileV2");
    const owner = await signer(connection, 1);
    await executeAsSafe(connection, safe, [owner], {
      to: platform.proxyAdmin,
      data: await encode(connection, PROXY_ADMIN, "upgradeAndCall", [
        platform.skillProfile,
        implementation,
        "0x",
      ]),
    });
    const refused = await run("dr:safe:execute", {
      proposal: safeTxHash,
      dryRun: true,
    });
    expect(refused.error?.code).to.equal("PLAN_STALE");
    expect(refused.error?.message).to.contain(implementation);
  });

  it("explain what the Safe would refuse: a failing call, a guard", async () => {
    const scene = await openSafeScene(folder.path, { threshold: 1 });
    const { run, connection, safe } = scene;
    const unpause = await encode(connection, "SkillProfile", "unpause");
    const failing = await scene.propose({ data: unpause });
    await scene.sign(failing, 1);
    const gs013 = await run("dr:safe:execute", {
      proposal: failing,
      dryRun: true,
    });
    expect(gs013.error?.code).to.equal("SAFE_EXECUTION_REFUSED");
    expect(gs013.error?.message).to.contain("GS013");

    const { abi, bytecode } = safeArtifact(
      "DelegateCallTransactionGuard",
      "1.4.1",
    );
    const args = new Interface(abi).encodeDeploy([ZERO_ADDRESS]);
    const guard = await deployCode(connection, `${bytecode}${args.slice(2)}`);
    const data = new Interface([
      "function setGuard(address)",
    ]).encodeFunctionData("setGuard", [guard]) as Hex;
    const owner = await signer(connection, 1);
    await executeAsSafe(connection, safe, [owner], { to: safe, data });
    const guarded = await run("dr:safe:propose", {
      calls: PAUSE_ALL,
      yes: true,
    });
    await scene.sign(guarded.safeTxHash, 1);
    const refused = await run("dr:safe:execute", {
      proposal: guarded.safeTxHash,
      dryRun: true,
    });
    expect(refused.error?.code).to.equal("SAFE_EXECUTION_REFUSED");
    expect(refused.error?.message).to.contain(guard);
  });

  it("refuse a danger that isn't named, however it is hidden", async () => {
    const scene = await openSafeScene(folder.path);
    const { run, safe, owners, connection } = scene;
    const callOnly = await deploySafeContract(
      connection,
      "MultiSendCallOnly",
      "1.4.1",
    );
    const threshold = new Interface([
      "function changeThreshold(uint256)",
    ]).encodeFunctionData("changeThreshold", [1n]) as Hex;
    const hash = await scene.propose({
      to: callOnly,
      operation: 1,
      data: encodeMultiSend([
        { to: scene.platform.skillProfile, value: 0n, data: "0x8456cb59" },
        { to: safe, value: 0n, data: threshold },
      ]),
    });
    const args = { proposal: hash, from: owners[0], yes: true };
    const refused = await run("dr:safe:sign", args);
    expect(refused.error?.code).to.equal("SAFE_DANGEROUS_CALL");
    expect(refused.error?.message).to.contain("threshold-change");
    const unknown = await run("dr:safe:sign", { ...args, acceptDanger: "all" });
    expect(unknown.error?.code).to.equal("OPTION_INVALID");
    for (const from of owners.slice(0, 3)) {
      const signed = await run("dr:safe:sign", {
        ...args,
        from,
        acceptDanger: "threshold-change",
      });
      expect(signed.dangers).to.deep.equal([
        { id: "threshold-change", call: 1 },
      ]);
    }
    const execute = { proposal: hash, yes: true };
    const again = await run("dr:safe:execute", execute);
    expect(again.error?.code).to.equal("SAFE_DANGEROUS_CALL");
    const done = await run("dr:safe:execute", {
      ...execute,
      acceptDanger: "threshold-change",
    });
    expect(done.status).to.equal("done");

    const propose = await run("dr:safe:propose", {
      calls: [`SkillProfile.transferOwnership(${owners[0]!})`],
      yes: true,
    });
    expect(propose.error?.code).to.equal("SAFE_DANGEROUS_CALL");
  });

  it("tell of a transaction whose call failed though the Safe took it", async () => {
    const scene = await openSafeScene(folder.path, { threshold: 1 });
    const { run, connection } = scene;
    const hash = await scene.propose({
      data: await encode(connection, "SkillProfile", "unpause"),
      // With it the Safe reports a failure instead of reverting.
      safeTxGas: 100_000n,
    });
    await scene.sign(hash, 1);
    const failed = await run("dr:safe:execute", { proposal: hash, yes: true });
    expect(failed.status).to.equal("failed");
    expect(process.exitCode).to.equal(PARTIAL);
    const journal = join(scene.folder, "runs", `${failed.run}.ndjson`);
    expect(await readFile(journal, "utf8")).to.contain(
      '"code":"SAFE_EXECUTION_FAILED"',
    );
    const { error } = await run("dr:safe:execute", {
      proposal: hash,
      yes: true,
    });
    expect(error?.code).to.equal("SAFE_ALREADY_EXECUTED");
  });

  it("sign as an owner of an owner that is a Safe", async () => {
    let inner: Address = ZERO_ADDRESS;
    const scene = await openSafeScene(folder.path, {
      threshold: 2,
      owners: async (connection: NetworkConnection) => {
        inner = await deploySafe(connection, {
          owners: await addresses(connection, 6, 7, 8),
          threshold: 2,
          version: "1.4.1",
          fallbackHandler: await deploySafeContract(
            connection,
            "CompatibilityFallbackHandler",
            "1.4.1",
          ),
        });
        return [...(await addresses(connection, 1)), inner];
      },
    });
    const { run, connection } = scene;
    const hash = await scene.propose({});
    const innerOwners = await addresses(connection, 6, 7);
    const sign = async (from: Address) =>
      await run("dr:safe:sign", { proposal: hash, from, yes: true });
    await sign(scene.owners[0]!);
    const half = await sign(innerOwners[0]!);
    expect(half.signatures.count).to.equal(1);
    expect(half.signatures.partial[0]).to.deep.include({
      signer: inner,
      count: 1,
    });
    const whole = await sign(innerOwners[1]!);
    expect(whole.signatures.count).to.equal(2);
    const executed = await run("dr:safe:execute", {
      proposal: hash,
      yes: true,
    });
    expect(executed.status).to.equal("done");
    expect(await isPaused(scene)).to.equal(true);
  });

  it("count approvals on the chain, and the owner who executes", async () => {
    const scene = await openSafeScene(folder.path);
    const { run, connection, safe } = scene;
    const hash = await scene.propose({});
    await scene.sign(hash, 1);
    const { abi } = safeArtifact("Safe", "1.4.1");
    const contract = await connection.ethers.getContractAt(
      [...(abi as readonly string[])],
      safe,
      await signer(connection, 2),
    );
    await send(connection, contract, "approveHash", [hash]);
    const status = await run("dr:safe:status", { proposal: hash });
    expect(status.signatures.count).to.equal(2);
    const executed = await run("dr:safe:execute", {
      proposal: hash,
      yes: true,
    });
    expect(executed.status).to.equal("done");
  });

  it("go on with an interrupted execution, and send nothing twice", async () => {
    const scene = await openSafeScene(folder.path, { threshold: 1 });
    const { run, connection } = scene;
    const hash = await scene.propose({});
    await scene.sign(hash, 1);
    const done = await run("dr:safe:execute", { proposal: hash, yes: true });
    // As if it had been killed before it knew.
    const journal = join(scene.folder, "runs", `${done.run}.ndjson`);
    const lines = (await readFile(journal, "utf8")).split("\n");
    const sent = lines.findIndex((line) => line.includes('"kind":"intent"'));
    await writeFile(journal, `${lines.slice(0, sent + 1).join("\n")}\n`);
    const before = await connection.ethers.provider.getBlockNumber();
    const resumed = await run("dr:resume", { yes: true });
    expect(resumed.status).to.equal("done");
    expect(await connection.ethers.provider.getBlockNumber()).to.equal(before);
  });
});
