import { expect } from "chai";
import { id } from "ethers";
import hre from "hardhat";

import type { AuthorityGraph } from "../../src/authority/graph.js";
import { RpcResponseError, type RpcRequest } from "../../src/chain/rpc.js";
import { ZERO_ADDRESS, type Address } from "../../src/core/hex.js";
import { contractAt, send } from "../helpers/contracts.js";
import { deployTimelock, timelockName } from "../helpers/deploy-governance.js";
import { AlteredRpc } from "./altered-rpc.js";
import type { CountingRpc } from "./counting-rpc.js";
import { openGraph } from "./open-graph.js";

/** The most blocks the node takes in one filter. */
const MOST_BLOCKS = 5n;

type SimulatedConnection = Awaited<ReturnType<typeof hre.network.create>>;

describe("RoleLog on a node that takes few blocks at a time", () => {
  let connection: SimulatedConnection;
  let accounts: readonly Address[];

  beforeEach(async () => {
    connection = await hre.network.create();
    const signers = await connection.ethers.getSigners();
    accounts = signers.map(({ address }) => address as Address);
    await mine(100);
  });

  async function mine(blocks: number): Promise<void> {
    // One by one: of blocks mined in one go the simulated chain knows no state.
    for (let mined = 0; mined < blocks; mined += 1) {
      await connection.provider.request({ method: "evm_mine" });
    }
  }

  async function latestBlock(): Promise<bigint> {
    return BigInt(await connection.ethers.provider.getBlockNumber());
  }

  /** A timelock, with one proposer from the start and another 50 blocks later. */
  async function deployGoverned(): Promise<{
    readonly timelock: Address;
    readonly block: bigint;
  }> {
    const timelock = await deployTimelock(connection, {
      minDelaySeconds: 60,
      proposers: accounts.slice(1, 2),
      executors: [ZERO_ADDRESS],
      admin: accounts[0] ?? ZERO_ADDRESS,
    });
    const block = await latestBlock();
    await mine(50);
    const contract = await contractAt(connection, timelockName(5), timelock);
    const proposer = [id("PROPOSER_ROLE"), accounts[2]];
    await send(connection, contract, "grantRole", proposer);
    return { timelock, block };
  }

  async function openStrict(
    fromBlock: bigint,
    keepsState = true,
  ): Promise<{ readonly graph: AuthorityGraph; readonly rpc: CountingRpc }> {
    const head = await latestBlock();
    return await openGraph(connection, {
      fromBlock,
      through: (inner) =>
        new AlteredRpc(inner, (request) => {
          if (request.method === "eth_getCode" && !keepsState) {
            const isOld = BigInt(request.params[1] as string) < head;
            return isOld ? refuse("missing trie node") : undefined;
          }
          const range = rangeOf(request);
          return range !== undefined && range.to - range.from >= MOST_BLOCKS
            ? refuse("query exceeds max block range")
            : undefined;
        }),
    });
  }

  async function proposersOf(
    graph: AuthorityGraph,
    timelock: Address,
  ): Promise<readonly unknown[]> {
    const authority = await graph.resolve(timelock);
    return authority.kind === "timelock"
      ? authority.proposers.map((each) => "address" in each && each.address)
      : expect.fail("it isn't a timelock");
  }

  /** Where looking began, the attempt at the whole chain aside. */
  function firstBlockAsked({ requests }: CountingRpc): bigint | undefined {
    return requests
      .flatMap((request) => rangeOf(request)?.from ?? [])
      .filter((from) => from > 0n)
      .sort((a, b) => Number(a - b))[0];
  }

  it("begins at the oldest deployment", async () => {
    const fromBlock = (await latestBlock()) + 1n;
    const { timelock } = await deployGoverned();
    const { graph, rpc } = await openStrict(fromBlock);
    expect(await proposersOf(graph, timelock)).to.deep.equal(
      accounts.slice(1, 3),
    );
    expect(firstBlockAsked(rpc)).to.equal(fromBlock);
  });

  it("begins at the deployment of governance that is older", async () => {
    const { timelock, block } = await deployGoverned();
    const { graph, rpc } = await openStrict(await latestBlock());
    expect(await proposersOf(graph, timelock)).to.deep.equal(
      accounts.slice(1, 3),
    );
    expect(firstBlockAsked(rpc)).to.equal(block);
  });

  it("begins at the first block when the node can't say how old a contract is", async () => {
    const { timelock } = await deployGoverned();
    const { graph } = await openStrict(await latestBlock(), false);
    expect(await proposersOf(graph, timelock)).to.deep.equal(
      accounts.slice(1, 3),
    );
  });
});

function rangeOf({
  method,
  params,
}: RpcRequest): { readonly from: bigint; readonly to: bigint } | undefined {
  if (method !== "eth_getLogs") {
    return undefined;
  }
  const [filter] = params as [{ fromBlock: string; toBlock: string }];
  return { from: BigInt(filter.fromBlock), to: BigInt(filter.toBlock) };
}

function refuse(message: string): {
  readonly ok: false;
  readonly error: RpcResponseError;
} {
  return { ok: false, error: new RpcResponseError(message, -32005) };
}
