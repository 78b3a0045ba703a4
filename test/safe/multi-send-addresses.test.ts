import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

import { expect } from "chai";
import { keccak256 } from "ethers";
import hre from "hardhat";

import type { Address, Hex } from "../../src/core/hex.js";
import {
  findMultiSend,
  isMultiSend,
  MULTI_SEND_CALL_ONLY,
  MULTI_SEND_TEMPLATES,
  MULTI_SEND_ZKSYNC,
} from "../../src/safe/multi-send-addresses.js";
import { codeOf, refusalOf } from "../deployments/refusal.js";
import type { Connection } from "../helpers/contracts.js";
import {
  deploySafeContract,
  safeArtifact,
  SAFE_VERSIONS,
} from "../helpers/deploy-governance.js";
import { addresses, readerOf } from "./sign.js";

describe("MultiSend's addresses", () => {
  let connection: Connection;

  beforeEach(async () => {
    connection = await hre.network.create();
  });

  it("are those that Safe lists", () => {
    const listed = (name: string) =>
      SAFE_VERSIONS.flatMap((version) => deploymentsOf(version, name));
    expect(
      MULTI_SEND_CALL_ONLY.map(({ version, address, codeHash }) => ({
        version,
        address,
        codeHash,
      })),
    ).to.deep.equal(listed("multi_send_call_only").map(withoutType));
    expect(MULTI_SEND_ZKSYNC).to.deep.equal(
      listed("multi_send")
        .filter(({ type }) => type === "zksync")
        .map(withoutType),
    );
  });

  it("are searched for, Safe's own version first", async () => {
    for (const { version, address } of MULTI_SEND_CALL_ONLY.filter(
      ({ codeHash }, index, all) =>
        isPublished(codeHash) &&
        all.findIndex((other) => other.codeHash === codeHash) === index,
    )) {
      const { deployedBytecode } = safeArtifact(
        "MultiSendCallOnly",
        version as "1.3.0",
      ) as unknown as { readonly deployedBytecode: Hex };
      await setCode(address, deployedBytecode);
    }
    const reader = await readerOf(connection);
    for (const version of SAFE_VERSIONS) {
      expect(await findMultiSend(reader, version)).to.equal(
        MULTI_SEND_CALL_ONLY.find((known) => known.version === version)
          ?.address,
      );
    }
    // A Safe of a version that isn't out yet takes any.
    expect(await findMultiSend(reader, "1.9.0")).to.be.a("string");
  });

  it("must be configured where Safe deployed nothing, or something else is there", async () => {
    const find = async () =>
      await findMultiSend(await readerOf(connection), "1.4.1");
    const refusal = await refusalOf(find);
    expect(refusal.code).to.equal("SAFE_CONTRACTS_UNKNOWN");
    expect(refusal.fix).to.contain("safeContracts");
    for (const { address } of MULTI_SEND_CALL_ONLY) {
      await setCode(address, "0x00");
    }
    expect(await codeOf(find)).to.equal("SAFE_CONTRACTS_UNKNOWN");
  });

  for (const version of SAFE_VERSIONS) {
    it(`are known by the code of ${version}, wherever it is`, async () => {
      const [callOnly, multiSend] = [
        await deploySafeContract(connection, "MultiSendCallOnly", version),
        await deploySafeContract(connection, "MultiSend", version),
      ];
      const reader = await readerOf(connection);
      expect(
        await findMultiSend(reader, version, {
          multiSend,
          multiSendCallOnly: callOnly,
        }),
      ).to.equal(callOnly);
      expect(await isMultiSend(reader, multiSend)).to.equal(true);
      const { deployedBytecode } = safeArtifact(
        "MultiSend",
        version,
      ) as unknown as { readonly deployedBytecode: Hex };
      expect(MULTI_SEND_TEMPLATES[version]).to.equal(
        keccak256(deployedBytecode),
      );
    });
  }

  it("are refused when other code is there, though configured", async () => {
    const other = await deploySafeContract(connection, "Safe");
    const multiSendCallOnly = await deploySafeContract(
      connection,
      "MultiSendCallOnly",
    );
    const [nobody] = await addresses(connection, 3);
    const reader = await readerOf(connection);
    for (const configured of [
      { multiSendCallOnly: other },
      { multiSendCallOnly: nobody! },
      { multiSendCallOnly, multiSend: other },
    ]) {
      expect(
        await codeOf(async () => findMultiSend(reader, "1.5.0", configured)),
      ).to.equal("SAFE_CONTRACTS_WRONG");
    }
  });

  async function setCode(address: Address, code: Hex): Promise<void> {
    await connection.provider.request({
      method: "hardhat_setCode",
      params: [address, code],
    });
  }
});

/** Whether the code is in Safe's packages; zkSync's isn't. */
function isPublished(codeHash: Hex): boolean {
  return SAFE_VERSIONS.some((version) => {
    const { deployedBytecode } = safeArtifact(
      "MultiSendCallOnly",
      version,
    ) as unknown as { readonly deployedBytecode: Hex };
    return keccak256(deployedBytecode) === codeHash;
  });
}

interface Listed {
  readonly type: string;
  readonly version: string;
  readonly address: Address;
  readonly codeHash: Hex;
}

function deploymentsOf(version: string, name: string): readonly Listed[] {
  const kit = createRequire(import.meta.url).resolve(
    "@safe-global/protocol-kit",
  );
  const index = createRequire(kit).resolve("@safe-global/safe-deployments");
  const path = index.replace(/dist.*$/, `dist/assets/v${version}/${name}.json`);
  const { deployments } = JSON.parse(readFileSync(path, "utf8")) as {
    readonly deployments: Readonly<
      Record<string, { readonly address: Address; readonly codeHash: Hex }>
    >;
  };
  return Object.entries(deployments).map(([type, { address, codeHash }]) => ({
    type,
    version,
    address,
    codeHash,
  }));
}

function withoutType({ version, address, codeHash }: Listed): object {
  return { version, address, codeHash };
}
