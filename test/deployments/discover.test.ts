import { expect } from "chai";
import hre from "hardhat";
import type { NetworkConnection } from "hardhat/types/network";

import { BlockReader } from "../../src/chain/block-reader.js";
import { ProviderRpc } from "../../src/chain/provider-rpc.js";
import {
  discoverContracts,
  type Discovery,
  type DiscoveryPorts,
  type Sought,
} from "../../src/deployments/discover.js";
import {
  breakPlatform,
  deployPlatform,
  type Platform,
} from "../helpers/deploy-platform.js";
import { deployPlain } from "../helpers/deploy-proxies.js";
import { chainPorts } from "./chain-ports.js";
import { hashOf, THIRD } from "./sample-file.js";

describe("discoverContracts", () => {
  let connection: NetworkConnection;
  let platform: Platform;

  before(async () => {
    connection = await hre.network.create();
    platform = await deployPlatform(connection);
    await breakPlatform(connection, platform);
  });

  async function discover(
    sought: readonly Sought[],
    ports: DiscoveryPorts = chainPorts,
  ): Promise<Discovery> {
    const rpc = new ProviderRpc("simulated", connection.provider);
    return await discoverContracts(await BlockReader.at(rpc), sought, ports);
  }

  it("finds kind, admin and beacon", async () => {
    const { found } = await discover([
      { name: "A", address: platform.skillProfile },
      { name: "B", address: platform.endorsement },
      { name: "C", address: platform.skillClaim },
    ]);
    expect(found.map(({ record }) => record.kind)).to.deep.equal([
      "transparent",
      "uups",
      "beacon",
    ]);
    expect(found[0]?.record.admin).to.equal(platform.proxyAdmin);
    expect(found[2]?.record.beacon).to.equal(platform.beacon);
  });

  it("tells of addresses without code", async () => {
    const nowhere: Sought = { name: "Gone", address: THIRD };
    const { found, missing } = await discover([
      { name: "A", address: platform.endorsement },
      { ...nowhere, address: "0x00000000000000000000000000000000000000aa" },
    ]);
    expect(found).to.have.length(1);
    expect(missing.map(({ name }) => name)).to.deep.equal(["Gone"]);
  });

  it("writes which contract an implementation is, the record's hint first asked for", async () => {
    const hints: (string | undefined)[] = [];
    const { found } = await discover(
      [
        {
          name: "A",
          address: platform.endorsement,
          implementation: platform.implementations.endorsement,
          contract: "Endorsement",
        },
      ],
      {
        ...chainPorts,
        identify: (_, address, hint) => {
          hints.push(hint);
          return Promise.resolve(
            address === platform.implementations.endorsement
              ? undefined
              : "contracts/v2/EndorsementV2.sol:EndorsementV2",
          );
        },
      },
    );
    expect(hints).to.have.members(["Endorsement", undefined]);
    const contracts = Object.values(found[0]!.record.implementations).map(
      ({ contract }) => contract,
    );
    expect(contracts).to.deep.equal([
      "Endorsement",
      "contracts/v2/EndorsementV2.sol:EndorsementV2",
    ]);
  });

  it("names a nameless proxy after its present implementation", async () => {
    const nameless = {
      name: "Proxy1",
      isNameless: true,
      address: platform.endorsement,
    } as const;
    const identified = await discover([nameless], {
      ...chainPorts,
      identify: () => Promise.resolve("contracts/Endorsement.sol:Endorsement"),
    });
    expect(identified.found[0]?.name).to.equal("Endorsement");
    const { found } = await discover([nameless]);
    expect(found[0]?.name).to.equal("Proxy1");
  });

  it("takes the transaction of a deployment that left no log from the record", async () => {
    const address = await deployPlain(connection);
    const block = await connection.ethers.provider.getBlockNumber();
    const sought = { name: "P", address, tx: hashOf("a") };
    const right = await discover([{ ...sought, block }]);
    expect(right.found[0]?.record.history[0]?.tx).to.equal(hashOf("a"));
    const wrong = await discover([{ ...sought, block: block - 1 }]);
    expect(wrong.found[0]?.record.history[0]?.tx).to.equal(undefined);
    expect(wrong.found[0]?.record.history[0]?.block).to.equal(block);
  });
});
