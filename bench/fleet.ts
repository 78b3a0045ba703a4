import assert from "node:assert/strict";

import * as OxAddress from "ox/Address";

import { BlockReader } from "../src/chain/block-reader.js";
import { HttpRpc } from "../src/chain/http-rpc.js";
import type { Rpc } from "../src/chain/rpc.js";
import { ZERO_ADDRESS, type Address, type Hex } from "../src/core/hex.js";
import type {
  ContractRecord,
  DeployFile,
} from "../src/deployments/deploy-file.js";
import { inspectProxy } from "../src/proxy/inspect.js";
import { connectTo } from "../test/helpers/connect-anvil.js";
import {
  deploy,
  encode,
  signer,
  type Connection,
} from "../test/helpers/contracts.js";
import {
  deploySafe,
  deployTimelock,
} from "../test/helpers/deploy-governance.js";
import {
  BEACON,
  BEACON_PROXY,
  ERC1967_PROXY,
  TRANSPARENT_PROXY,
} from "../test/helpers/deploy-platform.js";

const GAS: Hex = "0x2dc6c0";

/** As many as a block's gas surely has room for. */
const CREATIONS_PER_BLOCK = 8;

interface Receipt {
  readonly contractAddress: Address;
  readonly blockNumber: Hex;
  readonly status: Hex;
}

interface MinedProxy {
  readonly proxy: Address;
  readonly block: number;
}

/**
 * Deploys proxies of three kinds in turn: transparent, each with a ProxyAdmin
 * of its own whose owner is a timelock that a Safe proposes to; UUPS, with
 * roles; and behind a beacon. The first account may pause them all.
 *
 * @param url - An anvil that mines at once.
 * @returns the deployment as deploy.json has it.
 */
export async function deployFleet(
  url: string,
  size: number,
): Promise<DeployFile> {
  const connection = await connectTo(url);
  const rpc = new HttpRpc({ network: "bench", url });
  try {
    const creations = await prepareCreations(connection);
    const proxies = await sendCreations(
      rpc,
      (await signer(connection)).address as Address,
      Array.from(
        { length: size },
        (_, index) => creations[index % creations.length] ?? "0x",
      ),
    );
    return await describeFleet(rpc, proxies);
  } finally {
    await connection.close();
  }
}

/** Creation code of one proxy of each kind. */
async function prepareCreations(connection: Connection): Promise<Hex[]> {
  const signers = await connection.ethers.getSigners();
  const [owner, ...others] = signers.map(({ address }) => address as Address);
  const safe = await deploySafe(connection, {
    owners: others.slice(0, 3),
    threshold: 2,
  });
  const timelock = await deployTimelock(connection, {
    minDelaySeconds: 172_800,
    proposers: [safe],
    executors: [ZERO_ADDRESS],
  });
  const initialize = await encode(connection, "SkillProfile", "initialize", [
    owner,
  ]);
  const beacon = await deploy(connection, BEACON, [
    await deploy(connection, "SkillClaim"),
    owner,
  ]);
  return [
    await creationOf(connection, TRANSPARENT_PROXY, [
      await deploy(connection, "SkillProfile"),
      timelock,
      initialize,
    ]),
    await creationOf(connection, ERC1967_PROXY, [
      await deploy(connection, "Endorsement"),
      initialize,
    ]),
    await creationOf(connection, BEACON_PROXY, [beacon, initialize]),
  ];
}

async function creationOf(
  { ethers }: Connection,
  name: string,
  args: readonly unknown[],
): Promise<Hex> {
  const factory = await ethers.getContractFactory(name);
  return (await factory.getDeployTransaction(...args)).data as Hex;
}

/** With nonces of our own: anvil answers the requests of a batch in any order. */
async function sendCreations(
  rpc: Rpc,
  from: Address,
  creations: readonly Hex[],
): Promise<MinedProxy[]> {
  const counted = await rpc.request("eth_getTransactionCount", [
    from,
    "latest",
  ]);
  const count = Number(counted);
  await rpc.request("evm_setAutomine", [false]);
  const hashes = await askAll(
    rpc,
    "eth_sendTransaction",
    creations.map((data, index) => {
      const nonce = `0x${(count + index).toString(16)}`;
      return [{ from, data, nonce, gas: GAS }];
    }),
  );
  const blocks = Math.ceil(creations.length / CREATIONS_PER_BLOCK);
  await rpc.request("anvil_mine", [`0x${blocks.toString(16)}`]);
  await rpc.request("evm_setAutomine", [true]);
  const receipts = await askAll(
    rpc,
    "eth_getTransactionReceipt",
    hashes.map((hash) => [hash]),
  );
  return receipts.map((receipt) => {
    assert(receipt !== null, "a proxy wasn't deployed");
    const { contractAddress, blockNumber, status } = receipt as Receipt;
    assert.equal(status, "0x1", "a proxy couldn't be deployed");
    return { proxy: contractAddress, block: Number(blockNumber) };
  });
}

async function askAll(
  rpc: Rpc,
  method: string,
  paramsOfAll: readonly (readonly unknown[])[],
): Promise<unknown[]> {
  const outcomes = await rpc.batch(
    paramsOfAll.map((params) => ({ method, params })),
  );
  return outcomes.map((outcome) => {
    assert(outcome.ok, outcome.ok ? undefined : outcome.error);
    return outcome.result;
  });
}

async function describeFleet(
  rpc: Rpc,
  proxies: readonly MinedProxy[],
): Promise<DeployFile> {
  const reader = await BlockReader.at(rpc);
  const records = await Promise.all(
    proxies.map(async ({ proxy, block }): Promise<ContractRecord> => {
      const state = await inspectProxy(reader, proxy);
      assert(state?.codeHash !== undefined, "a proxy without code");
      const { kind, implementation, codeHash, admin, beacon } = state;
      return {
        proxy: OxAddress.checksum(proxy),
        kind,
        ...(admin === undefined ? {} : { admin }),
        ...(beacon === undefined ? {} : { beacon }),
        implementations: { [implementation]: { version: "1.0.0", codeHash } },
        history: [{ implementation, reason: "deploy", block }],
      };
    }),
  );
  return {
    schemaVersion: 1,
    chainId: 31337,
    contracts: Object.fromEntries(
      records.map((record, index) => [`Proxy${String(index)}`, record]),
    ),
  };
}
