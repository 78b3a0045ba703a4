import { expect } from "chai";
import hre from "hardhat";

import { codeOf } from "../deployments/refusal.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { deployUups } from "../helpers/deploy-proxies.js";
import { openRecovery } from "./recovery.js";

const STRANGER = "0x00000000000000000000000000000000000000aa";

describe("the accounts of a session", () => {
  const folder = useTemporaryFolder();

  it("must be known, except where accounts can be impersonated", async () => {
    const live = await hre.network.create({ override: { chainId: 4242 } });
    const { session } = await openRecovery(folder.path, {}, live);
    expect(await codeOf(() => session({ from: STRANGER }))).to.equal(
      "SIGNER_UNKNOWN",
    );
    const local = await openRecovery(folder.path);
    const { ports } = await local.session({ from: STRANGER });
    expect(ports.accounts).to.deep.equal([STRANGER]);
  });

  it("need a key here to send through a private RPC", async () => {
    const { connection, dr, init, blockNumber } = await openRecovery(
      folder.path,
    );
    await init({ Counter: (await deployUups(connection)).proxy });
    const before = await blockNumber();
    const privateRpc = "http://127.0.0.1:1";
    expect(await codeOf(() => dr.pause({ privateRpc }))).to.equal(
      "PRIVATE_RPC_NEEDS_KEY",
    );
    expect(await blockNumber()).to.equal(before);
  });
});
