import { expect } from "chai";

import { refusalOf } from "../deployments/refusal.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { contractAt, send, signer } from "../helpers/contracts.js";
import { deployPlatform } from "../helpers/deploy-platform.js";
import {
  deployPlain,
  deployUups,
  deployWithPauser,
} from "../helpers/deploy-proxies.js";
import { platformProxies } from "../helpers/recovery-session.js";
import { openRecovery } from "./recovery.js";

describe("dr.pause and dr.unpause", () => {
  const folder = useTemporaryFolder();

  it("pause and unpause all, and skip what is so already", async () => {
    const { connection, dr, init } = await openRecovery(folder.path);
    await init(platformProxies(await deployPlatform(connection)));
    const one = await dr.pause({ contracts: ["Endorsement"] });
    expect(one.contracts[0]).to.include({ paused: true, already: false });
    const { contracts } = await dr.pause();
    expect(
      Object.fromEntries(
        contracts.map(({ name, paused, already, tx }) => [
          name,
          [paused, already, tx === null],
        ]),
      ),
    ).to.deep.equal({
      SkillProfile: [true, false, false],
      Endorsement: [true, true, true],
      SkillClaim: [true, false, false],
    });
    expect((await dr.pause()).run).to.equal(null);
    const lifted = await dr.unpause();
    expect(lifted.contracts.map(({ paused }) => paused)).to.deep.equal(
      Array(3).fill(false),
    );
  });

  it("don't let one contract hold the others", async () => {
    const { connection, dr, init } = await openRecovery(folder.path);
    const counter = await deployUups(connection);
    const reverting = await deployUups(connection, "UupsPauseReverts");
    const unpausable = await deployUups(connection, "Unpausable");
    const { proxy: pausedByOther } = await deployWithPauser(connection);
    const plain = await deployPlain(connection);
    await init({
      Unpausable: unpausable.proxy,
      Counter: counter.proxy,
      Reverting: reverting.proxy,
      Pauser: pausedByOther,
      Plain: plain,
    });
    const error = await refusalOf(() => dr.pause());
    expect(error.code).to.equal("NOT_PAUSABLE");
    const paused = Object.fromEntries(
      (await dr.status()).contracts.map((contract) => [
        contract.name,
        "paused" in contract ? contract.paused : "missing",
      ]),
    );
    expect(paused).to.deep.equal({
      Unpausable: undefined,
      Counter: true,
      Reverting: false,
      Pauser: true,
      Plain: true,
    });
  });

  it("say that nobody may when the owner is gone", async () => {
    const { connection, dr, init } = await openRecovery(folder.path);
    const { proxy } = await deployUups(connection);
    const counter = await contractAt(connection, "UupsV5", proxy);
    await send(connection, counter, "renounceOwnership");
    await init({ Counter: proxy });
    const error = await refusalOf(() => dr.pause());
    expect(error).to.include({ code: "NOBODY_MAY", exitCode: 3 });
  });

  it("don't let one account's want of funds hold another account's contracts", async () => {
    const { connection, dr, init } = await openRecovery(folder.path);
    const { proxy: counter } = await deployUups(connection);
    const { proxy, pauser } = await deployWithPauser(connection);
    await init({ Pauser: proxy, Counter: counter });
    await connection.provider.request({
      method: "hardhat_setBalance",
      params: [pauser, "0x0"],
    });
    const error = await refusalOf(() => dr.pause());
    expect(error.code).to.equal("OUT_OF_FUNDS");
    const { contracts } = await dr.status();
    expect(contracts).to.have.nested.property("[0].paused", false);
    expect(contracts).to.have.nested.property("[1].paused", true);
  });

  it("refuse what nobody here may do", async () => {
    const { connection, dr, init } = await openRecovery(folder.path);
    await init({ Counter: (await deployUups(connection)).proxy });
    const { address } = await signer(connection, 5);
    const error = await refusalOf(() => dr.pause({ from: address }));
    expect(error).to.include({ code: "AUTHORITY_ELSEWHERE", exitCode: 3 });
  });

  it("aren't taken in by a pause in name only", async () => {
    const { connection, dr, init } = await openRecovery(folder.path);
    const { proxy } = await deployUups(connection, "UupsPauseDoesNothing");
    await init({ Counter: proxy });
    const error = await refusalOf(() => dr.pause());
    expect(error).to.include({ code: "NOT_IN_EFFECT", exitCode: 5 });
  });

  it("say that a contract is gone", async () => {
    const { connection, dr, init } = await openRecovery(folder.path);
    const { proxy } = await deployUups(connection);
    await init({ Counter: proxy });
    await connection.provider.request({
      method: "hardhat_setCode",
      params: [proxy, "0x"],
    });
    expect((await refusalOf(() => dr.pause())).code).to.equal("NO_CODE");
    const [status] = (await dr.status()).contracts;
    expect(status?.kind).to.equal("missing");
  });
});
