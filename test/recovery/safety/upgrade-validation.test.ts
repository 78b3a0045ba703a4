import { expect } from "chai";
import hre from "hardhat";

import { isDrError, type DrError } from "../../../src/core/errors.js";
import type { ProxyKind } from "../../../src/core/proxy-kind.js";
import { remembering } from "../../../src/implementation/artifact-source.js";
import type { ImplementationSource } from "../../../src/implementation/implementation-source.js";
import {
  validateUpgrade,
  type UpgradeValidation,
} from "../../../src/recovery/safety/upgrade-validation.js";
import { deploy } from "../../helpers/contracts.js";
import { readerOf, sourceOf } from "./upgraded-proxy.js";

describe("validateUpgrade", function () {
  let ledger: ImplementationSource;

  before(async () => {
    const connection = await hre.network.create();
    const address = await deploy(connection, "Ledger");
    ledger = await sourceOf(await readerOf(connection), address);
  });

  it("passes what was only appended", async () => {
    expect(await validate("LedgerAppended", "transparent")).to.deep.equal({
      status: "safe",
    });
  });

  const unsafe: readonly [what: string, contract: string, says: RegExp][] = [
    ["a changed type", "LedgerRetyped", /int256/],
    ["a new order", "LedgerReordered", /deposits/],
    ["a constructor", "WithConstructor", /has a constructor/],
    ["delegatecall", "WithDelegatecall", /delegatecall/],
    ["an abstract contract", "NeverDeployed", /abstract/],
  ];
  for (const [what, contract, says] of unsafe) {
    it(`refuses ${what}, with OpenZeppelin's explanation`, async () => {
      const error = await refusal(contract, "transparent");
      expect(error).to.include({ code: "UPGRADE_UNSAFE", exitCode: 3 });
      expect(error?.message).to.match(says);
      expect(error?.message).to.contain(contract);
    });
  }

  it("demands of a UUPS implementation that it can be replaced", async () => {
    const error = await refusal("LedgerAppended", "uups");
    expect(error?.code).to.equal("UPGRADE_UNSAFE");
    expect(error?.message).to.match(/upgradeTo/);
    expect(await refusal("LedgerAppended", "beacon")).to.equal(undefined);
  });

  it("checks the new contract even when the old one isn't known", async () => {
    const unknown: ImplementationSource = {
      status: "unknown",
      address: "0x0000000000000000000000000000000000000001",
      reason: "Its source is gone.",
    };
    expect(
      await validate("LedgerAppended", "transparent", unknown),
    ).to.deep.equal({ status: "unknown", reason: "Its source is gone." });
    const error = await refusal("WithDelegatecall", "transparent", unknown);
    expect(error?.code).to.equal("UPGRADE_UNSAFE");
  });

  it("says so when the new contract's build isn't kept", async () => {
    const validation = await validateUpgrade({
      from: ledger,
      to: await hre.artifacts.readArtifact("LedgerAppended"),
      kind: "transparent",
      artifacts: {
        ...remembering(hre.artifacts),
        getBuildInfoOutputPath: () => Promise.resolve(undefined),
      },
    });
    expect(validation.status).to.equal("unknown");
  });

  async function validate(
    contract: string,
    kind: ProxyKind,
    from = ledger,
  ): Promise<UpgradeValidation> {
    return await validateUpgrade({
      from,
      to: await hre.artifacts.readArtifact(contract),
      kind,
      artifacts: hre.artifacts,
    });
  }

  async function refusal(
    contract: string,
    kind: ProxyKind,
    from = ledger,
  ): Promise<DrError | undefined> {
    try {
      await validate(contract, kind, from);
      return undefined;
    } catch (error) {
      if (isDrError(error)) {
        return error;
      }
      throw error;
    }
  }
});
