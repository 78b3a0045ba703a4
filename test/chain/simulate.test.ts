import { expect } from "chai";
import hre from "hardhat";
import type { NetworkConnection } from "hardhat/types/network";

import { encodeCall } from "../../src/chain/abi.js";
import { BlockReader } from "../../src/chain/block-reader.js";
import { ProviderRpc } from "../../src/chain/provider-rpc.js";
import { explainRevert } from "../../src/chain/revert-reason.js";
import {
  RpcResponseError,
  type Rpc,
  type RpcOutcome,
} from "../../src/chain/rpc.js";
import { simulateSequence } from "../../src/chain/simulate.js";
import { DrError } from "../../src/core/errors.js";
import type { Address, Hex } from "../../src/core/hex.js";
import { AlteredRpc } from "../authority/altered-rpc.js";
import { codeOf } from "../deployments/refusal.js";
import { deploy, signer } from "../helpers/contracts.js";

const [PAUSE, UNPAUSE, INCREMENT, COUNT] = [
  "function pause()",
  "function unpause()",
  "function increment()",
  "function count() view returns (uint256)",
].map((signature) => encodeCall(signature)) as [Hex, Hex, Hex, Hex];
/** CALLER, returned. */
const CALLER_CODE: Hex = "0x335f5260205ff3";
const ANYWHERE: Address = `0x${"ab".repeat(20)}`;

describe("simulateSequence", () => {
  let connection: NetworkConnection;
  let rpc: Rpc;
  let owner: Address;
  let stranger: Address;
  let contract: Address;

  before(async () => {
    connection = await hre.network.create();
    rpc = new ProviderRpc("test", connection.provider);
    owner = (await signer(connection)).address as Address;
    stranger = (await signer(connection, 1)).address as Address;
    contract = await deploy(connection, "PlainPausable", [owner]);
  });

  async function simulate(
    calls: readonly (readonly [from: Address, data: Hex, to?: Address])[],
    deployed: Readonly<Record<Address, Hex>> = {},
    through = rpc,
  ): ReturnType<typeof simulateSequence> {
    return await simulateSequence(
      await BlockReader.at(through),
      calls.map(([from, data, to = contract]) => ({ from, to, data })),
      deployed,
    );
  }

  it("lets each call see the effects of those before it", async () => {
    const results = await simulate([
      [owner, INCREMENT],
      [owner, PAUSE],
      [stranger, INCREMENT],
      [owner, UNPAUSE],
      [stranger, INCREMENT],
      [stranger, COUNT],
    ]);
    expect(results?.map(({ success }) => success)).to.deep.equal([
      true,
      true,
      false,
      true,
      true,
      true,
    ]);
    expect(BigInt(results?.at(-1)?.returnData ?? 0)).to.equal(2n);
    expect(explainRevert(results?.[2]?.returnData)).to.equal("EnforcedPause()");
  });

  it("makes each call from its sender", async () => {
    const [byStranger, ...seen] =
      (await simulate(
        [
          [stranger, PAUSE],
          [stranger, "0x", ANYWHERE],
          [owner, "0x", ANYWHERE],
        ],
        { [ANYWHERE]: CALLER_CODE },
      )) ?? [];
    expect(explainRevert(byStranger?.returnData)).to.match(
      /^OwnableUnauthorizedAccount\(0x/,
    );
    expect(
      seen.map(({ returnData }) => `0x${returnData.slice(-40)}`),
    ).to.deep.equal([stranger, owner].map((one) => one.toLowerCase()));
  });

  it("changes nothing", async () => {
    await simulate([[owner, PAUSE]]);
    const reader = await BlockReader.at(rpc);
    expect(
      await reader.call(contract, "function paused() view returns (bool)"),
    ).to.equal(false);
    expect(await reader.code(owner)).to.equal("0x");
    expect(await reader.code(ANYWHERE)).to.equal("0x");
  });

  it("has no result where the node knows no overrides", async () => {
    const refusal = new RpcResponseError("too many arguments", -32602);
    const answers: readonly RpcOutcome[] = [
      { ok: false, error: refusal },
      { ok: true, result: "0x" },
      { ok: true, result: "0x1234" },
    ];
    for (const answer of answers) {
      const without = new AlteredRpc(rpc, ({ method }) =>
        method === "eth_call" ? answer : undefined,
      );
      expect(await simulate([[owner, PAUSE]], {}, without)).to.equal(undefined);
    }
  });

  it("takes no answer for none", async () => {
    const lost = new AlteredRpc(rpc, ({ method }) => {
      if (method === "eth_call") {
        throw new DrError("RPC_UNREACHABLE", {
          network: "test",
          host: "h",
          reason: "ECONNRESET",
        });
      }
      return undefined;
    });
    expect(await codeOf(() => simulate([[owner, PAUSE]], {}, lost))).to.equal(
      "RPC_UNREACHABLE",
    );
  });
});
