import { expect } from "chai";
import hre from "hardhat";

import type { Address, Hex } from "../../src/core/hex.js";
import {
  readExecutions,
  readNonceStanding,
} from "../../src/safe/executions.js";
import { readSafeState } from "../../src/safe/safe-state.js";
import { hashSafeTransaction } from "../../src/safe/transaction.js";
import { signer, type Connection } from "../helpers/contracts.js";
import {
  deploySafe,
  executeAsSafe,
  SAFE_VERSIONS,
} from "../helpers/deploy-governance.js";
import { sampleTransaction } from "./sample-transaction.js";
import { readerOf } from "./sign.js";

describe("a Safe's executions", () => {
  for (const version of SAFE_VERSIONS) {
    it(`of ${version} tell who took a nonce`, async () => {
      const connection: Connection = await hre.network.create();
      const owner = await signer(connection, 1);
      const safe = await deploySafe(connection, {
        owners: [owner.address as Address],
        threshold: 1,
        version,
      });
      const calls = ["0x", "0x01", "0x02"] as const;
      const hashes: Hex[] = [];
      for (const [nonce, data] of calls.entries()) {
        const to = owner.address as Address;
        await executeAsSafe(connection, safe, [owner], { to, data });
        hashes.push(
          hashSafeTransaction(
            { chainId: 31337n, safe, version },
            sampleTransaction({ to, data, nonce: BigInt(nonce) }),
          ).safeTxHash,
        );
      }
      const reader = await readerOf(connection);
      const executions = await readExecutions(reader, safe, 0n);
      expect(
        executions.map(({ safeTxHash, success }) => ({ safeTxHash, success })),
      ).to.deep.equal(
        hashes.map((safeTxHash) => ({ safeTxHash, success: true })),
      );

      const { nonce: present } = await readSafeState(reader, safe);
      const standing = async (nonce: bigint, safeTxHash: Hex) =>
        await readNonceStanding(reader, safe, present, {
          safeTxHash,
          nonce,
          fromBlock: 0n,
        });
      const other: Hex = `0x${"11".repeat(32)}`;
      expect(await standing(1n, hashes[1]!)).to.deep.equal({
        status: "executed",
        execution: executions[1],
      });
      expect(await standing(1n, other)).to.deep.equal({
        status: "taken",
        by: executions[1],
      });
      expect(await standing(3n, other)).to.deep.equal({ status: "current" });
      expect(await standing(5n, other)).to.deep.equal({
        status: "future",
        ahead: 2n,
      });
    });
  }
});
