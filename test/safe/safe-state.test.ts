import { expect } from "chai";
import { getAddress, Interface, keccak256, toBeHex } from "ethers";
import hre from "hardhat";

import { BlockReader } from "../../src/chain/block-reader.js";
import { ProviderRpc } from "../../src/chain/provider-rpc.js";
import { ZERO_ADDRESS, type Address, type Hex } from "../../src/core/hex.js";
import { readSafeState } from "../../src/safe/safe-state.js";
import { deployCode, signer, type Connection } from "../helpers/contracts.js";
import {
  deploySafe,
  deploySafeContract,
  executeAsSafe,
  safeArtifact,
  SAFE_VERSIONS,
} from "../helpers/deploy-governance.js";
import { codeOf } from "../deployments/refusal.js";

describe("a Safe's state", () => {
  let connection: Connection;

  beforeEach(async () => {
    connection = await hre.network.create();
  });

  async function reader(): Promise<BlockReader> {
    return await BlockReader.at(new ProviderRpc("test", connection.provider));
  }

  for (const version of SAFE_VERSIONS) {
    it(`is read whole, of version ${version}`, async () => {
      const owners = await Promise.all(
        [1, 2, 3].map(async (index) => await signer(connection, index)),
      );
      const addresses = owners.map(({ address }) => address as Address);
      const handler = await deploySafeContract(
        connection,
        "CompatibilityFallbackHandler",
        version,
      );
      const safe = await deploySafe(connection, {
        owners: addresses,
        threshold: 1,
        version,
        fallbackHandler: handler,
      });
      const before = await readSafeState(await reader(), safe);
      expect(before).to.deep.include({
        address: safe,
        version,
        nonce: 0n,
        threshold: 1,
        owners: addresses,
        modules: [],
        fallbackHandler: handler,
      });
      expect(before).to.not.have.any.keys("guard", "moduleGuard");
      expect(before.codeHash).to.equal(
        keccak256(await connection.ethers.provider.getCode(before.singleton)),
      );

      const abi = new Interface([
        "function enableModule(address)",
        "function setGuard(address)",
      ]);
      const modules = Array.from(
        { length: 51 },
        (_, index) => getAddress(toBeHex(index + 0x1000, 20)) as Address,
      );
      const first = owners.slice(0, 1);
      for (const module of modules) {
        const data = abi.encodeFunctionData("enableModule", [module]) as Hex;
        await executeAsSafe(connection, safe, first, { to: safe, data });
      }
      const guard = await deployGuard(connection, version);
      const data = abi.encodeFunctionData("setGuard", [guard]) as Hex;
      await executeAsSafe(connection, safe, first, { to: safe, data });

      const after = await readSafeState(await reader(), safe);
      expect(after.nonce).to.equal(52n);
      expect(after.guard).to.equal(guard);
      expect(after.modules).to.deep.equal([...modules].reverse());
    });
  }

  it("isn't made up of anything else", async () => {
    const { address } = await signer(connection);
    const notSafes = [
      address as Address,
      await deploySafeContract(connection, "MultiSend"),
      // A singleton is no Safe either: it has no owners.
      await deploySafeContract(connection, "Safe"),
    ];
    for (const other of notSafes) {
      expect(
        await codeOf(async () => readSafeState(await reader(), other)),
      ).to.equal("NOT_A_SAFE");
    }
  });

  it("is refused where signatures would be valid on every chain", async () => {
    const { address } = await signer(connection);
    const safe = await deploySafe(connection, {
      owners: [address as Address],
      threshold: 1,
      version: "1.3.0",
    });
    const { singleton } = await readSafeState(await reader(), safe);
    const code = await connection.ethers.provider.getCode(singleton);
    // "1.3.0" in the singleton's code.
    const older = code.replaceAll("312e332e30", "312e312e31");
    expect(older).to.not.equal(code);
    await connection.provider.request({
      method: "hardhat_setCode",
      params: [singleton, older],
    });
    expect(
      await codeOf(async () => readSafeState(await reader(), safe)),
    ).to.equal("SAFE_VERSION_UNSUPPORTED");
  });
});

async function deployGuard(
  connection: Connection,
  version: (typeof SAFE_VERSIONS)[number],
): Promise<Address> {
  const { abi, bytecode } = safeArtifact(
    "DelegateCallTransactionGuard",
    version,
  );
  const args = new Interface(abi).encodeDeploy([ZERO_ADDRESS]);
  return await deployCode(connection, `${bytecode}${args.slice(2)}`);
}
