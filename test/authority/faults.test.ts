import { expect } from "chai";
import hre from "hardhat";

import { findPermission } from "../../src/authority/permission.js";
import { encodeCall } from "../../src/chain/abi.js";
import { RpcResponseError } from "../../src/chain/rpc.js";
import { DrError, isDrError } from "../../src/core/errors.js";
import { ZERO_ADDRESS, type Address } from "../../src/core/hex.js";
import { deployPlain } from "../helpers/deploy-proxies.js";
import { deploySafe, deployTimelock } from "../helpers/deploy-governance.js";
import { deployPlatform } from "../helpers/deploy-platform.js";
import { AlteredRpc, type Alter } from "./altered-rpc.js";
import { openGraph } from "./open-graph.js";

const PAUSE = encodeCall("function pause()");

type SimulatedConnection = Awaited<ReturnType<typeof hre.network.create>>;

describe("an RPC that fails while authority is read", () => {
  let connection: SimulatedConnection;

  beforeEach(async () => {
    connection = await hre.network.create();
  });

  async function askThrough(to: Address, alter: Alter): Promise<unknown> {
    const { graph } = await openGraph(connection, {
      through: (inner) => new AlteredRpc(inner, alter),
    });
    try {
      return await findPermission(graph, { to, calls: [PAUSE] });
    } catch (error) {
      return isDrError(error) ? error.code : error;
    }
  }

  it("isn't taken for a contract without the function", async () => {
    const plain = await deployPlain(connection);
    expect(
      await askThrough(plain, ({ method, params }) =>
        method === "eth_call" && "from" in (params[0] as object)
          ? {
              ok: false,
              error: new RpcResponseError("daily limit reached", -32005),
            }
          : undefined,
      ),
    ).to.equal("RPC_FAILED");
  });

  it("isn't taken for a contract without an owner", async () => {
    const plain = await deployPlain(connection);
    const owner = encodeCall("function owner()");
    expect(
      await askThrough(plain, ({ method, params }) => {
        if (
          method === "eth_call" &&
          (params[0] as { data: string }).data === owner
        ) {
          throw unreachable();
        }
        return undefined;
      }),
    ).to.equal("RPC_UNREACHABLE");
  });

  it("isn't taken for a role without members", async () => {
    const { endorsement } = await deployPlatform(connection);
    expect(
      await askThrough(endorsement, ({ method }) =>
        method === "eth_getLogs"
          ? {
              ok: false,
              error: new RpcResponseError("the method does not exist", -32601),
            }
          : undefined,
      ),
    ).to.equal("RPC_FAILED");
  });

  it("isn't taken for an account with a key", async () => {
    const owners = (await connection.ethers.getSigners())
      .slice(1, 3)
      .map(({ address }) => address as Address);
    const safe = await deploySafe(connection, { owners, threshold: 1 });
    const timelock = await deployTimelock(connection, {
      minDelaySeconds: 60,
      proposers: [safe],
      executors: [ZERO_ADDRESS],
    });
    const { graph } = await openGraph(connection, {
      through: (inner) =>
        new AlteredRpc(inner, ({ method, params }) => {
          if (method === "eth_getCode" && params[0] === safe) {
            throw unreachable();
          }
          return undefined;
        }),
    });
    const failure = await graph.resolve(timelock).catch(isUnreachable);
    expect(failure).to.equal(true);
  });
});

function unreachable(): DrError {
  return new DrError("RPC_UNREACHABLE", {
    network: "test",
    host: "localhost",
    reason: "ECONNRESET",
  });
}

function isUnreachable(error: unknown): boolean {
  return isDrError(error, "RPC_UNREACHABLE");
}
