import { expect } from "chai";
import hre from "hardhat";

import { BlockReader } from "../../src/chain/block-reader.js";
import { ProviderRpc } from "../../src/chain/provider-rpc.js";
import { selectorOf } from "../../src/chain/abi.js";
import type { Address, Hex } from "../../src/core/hex.js";
import { inspectProxy } from "../../src/proxy/inspect.js";
import { describeForwarder } from "../../src/proxy/plain-form.js";
import { IMPLEMENTATION_SLOT } from "../../src/proxy/slots.js";
import { dispatcher, returnAddress, setCode } from "../authority/bytecode.js";

const PROXY: Address = "0x00000000000000000000000000000000C0DE0001";
const IMPLEMENTATION: Address = "0x00000000000000000000000000000000C0DE0002";
const NAMED: Address = "0xDeaDbeefdEAdbeefdEadbEEFdeadbeEFdEaDbeeF";

describe("inspectProxy", () => {
  it("doesn't take an address in the code for the admin when everybody is told so", async () => {
    const connection = await hre.network.create();
    const { provider } = connection;
    const admin = selectorOf("function admin()");
    const code = dispatcher({ [admin]: returnAddress(NAMED) });
    await setCode(connection, IMPLEMENTATION, code);
    await setCode(connection, PROXY, minimalProxyNaming(NAMED));
    await provider.request({
      method: "hardhat_setStorageAt",
      params: [
        PROXY,
        IMPLEMENTATION_SLOT,
        `0x${IMPLEMENTATION.slice(2).padStart(64, "0")}`,
      ],
    });
    const reader = await BlockReader.at(new ProviderRpc("test", provider));
    const state = await inspectProxy(reader, PROXY);
    expect(state?.kind).to.equal("uups");
    expect(state).not.to.have.property("admin");
  });
});

describe("describeForwarder", () => {
  for (const [what, code, words] of [
    ["a diamond", diamond(), "a diamond of 1 facets"],
    [
      "a delegator of an unknown family",
      "0x365f5f375f5f365f5f545af43d5f5f3e3d5ff3",
      "of a family that isn't known",
    ],
    [
      "a contract with the byte in a constant only",
      "0x60f45f5260205ff3",
      undefined,
    ],
  ] as const) {
    it(`knows ${what}`, async () => {
      const connection = await hre.network.create();
      await setCode(connection, PROXY, code);
      const rpc = new ProviderRpc("test", connection.provider);
      const described = await describeForwarder(
        await BlockReader.at(rpc),
        PROXY,
      );
      if (words === undefined) {
        expect(described).to.equal(undefined);
      } else {
        expect(described).to.include(words);
      }
    });
  }
});

/** Solady's ERC1967 proxy with an address behind its code, as arguments are. */
function minimalProxyNaming(address: Address): Hex {
  return `0x363d3d373d3d363d7f${IMPLEMENTATION_SLOT.slice(2)}545af43d6000803e6038573d6000fd5b3d6000f373${address.slice(2)}`;
}

/** Answers `facetAddresses()` with one address. */
function diamond(): Hex {
  const facets = selectorOf("function facetAddresses()");
  const answer = `60205f52600160205273${NAMED.slice(2)}60405260605ff3`;
  return dispatcher({ [facets]: answer });
}
