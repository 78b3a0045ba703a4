import { expect } from "chai";
import hre from "hardhat";

import { readBuild } from "../../src/implementation/artifact-source.js";
import {
  layoutOf,
  validateContract,
} from "../../src/implementation/extract-layout.js";
import { withPlacement } from "../../src/implementation/placement.js";
import type { StorageLayout } from "../../src/implementation/storage-layout.js";
import { variablesOf } from "../../src/recovery/safety/variables.js";

const EVERY_TYPE = "contracts/test/safety/Layouts.sol:EveryType";

describe("withPlacement", function () {
  it("places every type as solc does", async () => {
    const artifact = await hre.artifacts.readArtifact(EVERY_TYPE);
    const build = await readBuild(hre.artifacts, artifact);
    expect(build).to.not.equal(undefined);
    const solc = solcLayout(build?.output, artifact.inputSourceName);
    expect(solc.storage.length).to.be.greaterThan(20);

    const withPlaces = await extract(EVERY_TYPE, solcOutput);
    const withoutPlaces = await extract(EVERY_TYPE, withoutStorageLayout);

    expect(places(withPlaces)).to.deep.equal(
      solc.storage.map(({ label, slot, offset }) => [label, slot, offset]),
    );
    expect(places(withoutPlaces)).to.deep.equal(places(withPlaces));
    expect(summary(withoutPlaces)).to.deep.equal(summary(withPlaces));
  });

  it("places inherited variables first when solc gave no layout", async () => {
    const name =
      "@openzeppelin/contracts-v4/governance/TimelockController.sol:TimelockController";
    expect(summary(await extract(name, withoutStorageLayout))).to.deep.equal(
      summary(await extract(name, solcOutput)),
    );
  });

  it("begins where `layout at` says", () => {
    const layout = withPlacement({
      storage: [item("a", "t_uint8"), item("b", "t_uint256")],
      types: {},
      baseSlot: "0x10",
    });
    expect(layout === undefined ? [] : places(layout)).to.deep.equal([
      ["a", "16", 0],
      ["b", "17", 0],
    ]);
  });

  it("gives up on a type whose size it can't tell", () => {
    expect(
      withPlacement({
        storage: [item("a", "t_struct(Old)1_storage")],
        types: {},
      }),
    ).to.equal(undefined);
  });
});

interface SolcOutput {
  readonly contracts: Record<
    string,
    Record<string, { storageLayout?: StorageLayout }>
  >;
}

function item(label: string, type: string): StorageLayout["storage"][number] {
  return { contract: "C", label, type, src: "" };
}

function solcLayout(output: unknown, source = ""): StorageLayout {
  const layout = (output as SolcOutput).contracts[source]?.EveryType
    ?.storageLayout;
  expect(layout).to.not.equal(undefined);
  return layout!;
}

async function extract(
  name: string,
  outputOf: (output: unknown) => unknown,
): Promise<StorageLayout> {
  const artifact = await hre.artifacts.readArtifact(name);
  const build = await readBuild(hre.artifacts, artifact);
  if (build === undefined) {
    expect.fail("no build info");
  }
  const validation = await validateContract(artifact, {
    ...build,
    output: outputOf(build.output),
  });
  const layout = await layoutOf(validation);
  if (layout === undefined) {
    expect.fail("no layout");
  }
  return layout;
}

const solcOutput = (output: unknown): unknown => output;

/** As Hardhat compiles when nobody asks for storage layouts. */
function withoutStorageLayout(output: unknown): unknown {
  const copy = structuredClone(output) as SolcOutput;
  for (const contracts of Object.values(copy.contracts)) {
    for (const contract of Object.values(contracts)) {
      delete contract.storageLayout;
    }
  }
  return copy;
}

function places({ storage }: StorageLayout): unknown[] {
  return storage.map(({ label, slot, offset }) => [label, slot, offset]);
}

/** Down to the members of structs. */
function summary(layout: StorageLayout): unknown[] {
  return variablesOf(layout).map(({ label, type, begin, bytes }) => [
    label,
    type,
    begin,
    bytes,
  ]);
}
