import { expect } from "chai";

import type { Manifest } from "../../src/artifact/manifest.js";
import {
  formatRestored,
  formatRestorePlan,
  formatVerified,
} from "../../src/display/snapshot.js";
import { formatBytes, plain } from "../../src/display/text.js";
import type { Snapshot } from "../../src/snapshot/snapshot.js";

const PROXY = `0x${"12".repeat(20)}` as const;
const HASH = `0x${"34".repeat(32)}` as const;

const snapshot: Snapshot = {
  network: "mainnet",
  chainId: 1,
  block: { number: 90, hash: HASH, timestamp: 1_795_000_000 },
  contracts: { Ledger: { kind: "missing", proxy: PROXY } },
  code: {},
  files: {},
};

const extent = { sizeBytes: 1_234_567, sha256: "56".repeat(32) };

const manifest: Manifest = {
  artifact: "contract_snapshot_20261120_031500.tar.zst.enc",
  kind: "contracts",
  createdAt: "2026-11-20T03:15:00.000Z",
  tool: "hardhat-dr test",
  plain: extent,
  stored: extent,
  compression: "zstd",
  encryption: { format: "aes-256-gcm", key: "0123456789abcdef" },
  contents: {},
  recoveryPoint: {},
};

const path = `/project/backups/contracts/${manifest.artifact}`;

describe("a snapshot in words", () => {
  it("says where it is, how big, and what is wrong in it", () => {
    const text = formatVerified(
      { path, manifest, snapshot, unreadable: ["other.tar.zst"] },
      plain,
    );
    for (const told of [
      "mainnet (chainId 1) at block 90, 2026-11-18T11:06:40.000Z",
      "no code",
      "contract_snapshot_20261120_031500.tar.zst.enc  1.2 MB",
      "  in         /project/backups/contracts\n",
      `  SHA-256    ${extent.sha256}`,
      "  encrypted  yes, aes-256-gcm",
      "  signed     no",
      "! other.tar.zst can't be read; it may be newer.",
    ]) {
      expect(text).to.include(told);
    }
    expect(text).to.not.include("compile");
    expect(text).to.not.include("chain is");
  });

  it("says what was compiled, and what changed, before and now", () => {
    const block = { number: 99n, hash: HASH, timestamp: 1_795_000_999n };
    const text = formatVerified(
      {
        path,
        manifest,
        snapshot,
        unreadable: [],
        recompiled: [
          { address: PROXY, contract: "a.sol:Ledger", match: "code" },
        ],
        live: {
          block,
          changes: [
            { contract: "Ledger", field: "paused", before: false, now: true },
            { contract: "Ledger", field: "version", before: "1", now: null },
          ],
        },
      },
      plain,
    );
    for (const told of [
      `  ${PROXY}  a.sol:Ledger, but for its metadata`,
      "! Changed since, at block 99:",
      "  Ledger.paused: false → true",
      "  Ledger.version: 1 → null",
    ]) {
      expect(text).to.include(told);
    }
    const nothing = formatVerified(
      {
        path,
        manifest,
        snapshot,
        unreadable: [],
        recompiled: [],
        live: { block, changes: [] },
      },
      plain,
    );
    expect(nothing).to.include("No sources in it");
    expect(nothing).to.include("the chain is the same at block 99");
  });

  it("says what restoring does with each file, and what was kept", () => {
    const before = "78".repeat(32);
    const files = [
      { path: "a", target: "/p/a", action: "new", before: undefined },
      { path: "b", target: "/p/b", action: "replace", before },
      { path: "c", target: "/p/c", action: "same", before },
      {
        path: "d",
        target: "/p/apart/d",
        action: "new",
        before: undefined,
        apartFrom: "/p/d",
      },
    ] as const;
    const plan = formatRestorePlan(files, plain).split("\n");
    expect(plan).to.deep.equal([
      "  new      /p/a",
      "  replace  /p/b",
      "    what is there is kept beside it",
      "  new      /p/apart/d",
      "    the project's own /p/d is another, and stays",
      "  1 file is there already.",
      "",
    ]);
    const restored = files.map((file) =>
      file.path === "b" ? { ...file, kept: "/p/b.before" } : file,
    );
    const text = formatRestored(restored, "mainnet");
    expect(text).to.include("/p/b: what was there is now /p/b.before\n");
    expect(text).to.include("3 files restored.");
    expect(text).to.include("dr:status --network mainnet");
  });

  it("counts bytes in the unit that suits them", () => {
    expect([0, 1, 999, 1000, 1_234_567, 5e12].map(formatBytes)).to.deep.equal([
      "0 bytes",
      "1 byte",
      "999 bytes",
      "1.0 kB",
      "1.2 MB",
      "5.0 TB",
    ]);
  });
});
