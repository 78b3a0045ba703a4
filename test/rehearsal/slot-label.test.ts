import { expect } from "chai";
import * as Hash from "ox/Hash";
import * as Hex from "ox/Hex";

import type { Address, Hex as HexString } from "../../src/core/hex.js";
import type { StorageLayout } from "../../src/implementation/storage-layout.js";
import { KNOWN_SLOTS } from "../../src/rehearsal/known-slots.js";
import { labelSlot } from "../../src/rehearsal/slot-label.js";

const ADA: Address = "0x00000000000000000000000000000000000000A1";
const BOB: Address = "0x00000000000000000000000000000000000000b2";

const place = (slot: bigint): HexString => Hex.fromNumber(slot, { size: 32 });

const variable = (
  label: string,
  slot: string,
  offset: number,
  type: string,
) => ({
  label,
  slot,
  offset,
  type,
  contract: "A",
  src: "",
});

const LAYOUT: StorageLayout = {
  storage: [
    variable("owner", "0", 0, "t_address"),
    variable("paused", "0", 20, "t_bool"),
    variable("wide", "1", 0, "t_array(t_uint256)3_storage"),
    variable("balances", "4", 0, "t_mapping(t_address,t_uint256)"),
    variable("name", "5", 0, "t_string_storage"),
    variable("list", "6", 0, "t_array(t_uint256)dyn_storage"),
  ],
  types: {
    t_address: { label: "address", numberOfBytes: "20" },
    t_bool: { label: "bool", numberOfBytes: "1" },
    t_uint256: { label: "uint256", numberOfBytes: "32" },
    "t_array(t_uint256)3_storage": { label: "uint256[3]", numberOfBytes: "96" },
    "t_mapping(t_address,t_uint256)": {
      label: "mapping(address => uint256)",
      numberOfBytes: "32",
    },
    t_string_storage: { label: "string", numberOfBytes: "32" },
    "t_array(t_uint256)dyn_storage": {
      label: "uint256[]",
      numberOfBytes: "32",
    },
  },
};

describe("the label of a slot", () => {
  const label = (slot: HexString) => labelSlot(slot, LAYOUT, [ADA, BOB]);

  it("names all that lies in it", () => {
    expect(label(place(0n))).to.equal("owner, paused");
    expect(label(place(1n))).to.equal("wide");
    expect(label(place(3n))).to.equal("wide");
    expect(label(place(7n))).to.equal(undefined);
  });

  it("finds entries of mappings, and data of arrays and strings", () => {
    const entry = Hash.keccak256(Hex.concat(Hex.padLeft(BOB, 32), place(4n)));
    expect(label(entry)).to.equal(`balances[${BOB}]`);
    const list = BigInt(Hash.keccak256(place(6n)));
    expect(label(place(list + 2n))).to.equal("list, its data");
    expect(label(Hash.keccak256(place(5n)))).to.equal("name, its data");
    expect(label(place(list - 1n))).to.equal(undefined);
  });

  it("is known without a layout for OpenZeppelin's namespaces", () => {
    // As OpenZeppelin's own sources have them.
    const sources = {
      Initializable:
        "0xf0c57e16840df040f15088dc2f81fe391c3923bec73e23a9662efc9c229c6a00",
      Pausable:
        "0xcd5ed15c6e187e77e9aee88184c21f4f2182ab5827cb3b7e07fbedcd63f03300",
      Ownable:
        "0x9016d09d72d40fdae2fd8ceac6b6234c7706214fd39c1cd1e609a0528c199300",
    } as const;
    for (const [name, slot] of Object.entries(sources)) {
      expect(KNOWN_SLOTS.get(slot)).to.include(name);
    }
  });
});
