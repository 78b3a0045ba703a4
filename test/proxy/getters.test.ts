import { expect } from "chai";
import hre from "hardhat";

import { BlockReader } from "../../src/chain/block-reader.js";
import { ProviderRpc } from "../../src/chain/provider-rpc.js";
import type { Address, Hex } from "../../src/core/hex.js";
import { readVersion } from "../../src/proxy/getters.js";
import { setCode } from "../authority/bytecode.js";

const CONTRACT: Address = "0x00000000000000000000000000000000C0DE0001";

describe("readVersion", () => {
  for (const [what, words, version] of [
    ["a text", [number(32), number(3), text("1.0")], "1.0"],
    ["a number", [number(7)], "7"],
    ["zero", [number(0)], "0"],
    ["a text in a bytes32", [text("v2")], "v2"],
    ["an empty text", [number(32), number(0)], undefined],
    ["a text that no terminal should show", [text("\u001b[2J")], undefined],
    ["a number beyond any version", [number(2 ** 40)], undefined],
  ] as const) {
    it(`reads ${what} as ${String(version)}`, async () => {
      const connection = await hre.network.create();
      await setCode(connection, CONTRACT, returning(words));
      const rpc = new ProviderRpc("test", connection.provider);
      const reader = await BlockReader.at(rpc);
      expect(await readVersion(reader, CONTRACT)).to.equal(version);
    });
  }
});

/** A contract that answers everything so. */
function returning(words: readonly string[]): Hex {
  const stores = words.map(
    (word, index) =>
      `7f${word}60${(index * 32).toString(16).padStart(2, "0")}52`,
  );
  const size = (words.length * 32).toString(16).padStart(2, "0");
  return `0x${stores.join("")}60${size}5ff3`;
}

function number(value: number): string {
  return value.toString(16).padStart(64, "0");
}

function text(value: string): string {
  return Buffer.from(value).toString("hex").padEnd(64, "0");
}
