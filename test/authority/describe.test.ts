import { expect } from "chai";

import type { Authority, Permission } from "../../src/authority/authority.js";
import {
  authorityToJson,
  formatAuthority,
  formatPermission,
  permissionToJson,
  shortAddress,
} from "../../src/authority/describe.js";
import type { Address } from "../../src/core/hex.js";

const key: Authority = { kind: "eoa", address: address("a1") };
const safe: Authority = {
  kind: "safe",
  address: address("5a"),
  version: "1.5.0",
  threshold: 2,
  owners: [key, key, key],
};
const timelock: Authority = {
  kind: "timelock",
  address: address("71"),
  delaySeconds: 172_800n,
  proposers: [safe],
  executors: [],
  cancellers: [],
  openExecutor: true,
};
const manager: Authority = {
  kind: "access-manager",
  address: address("ac"),
  roleId: 2n ** 64n - 2n,
  members: [
    { authority: key, delaySeconds: 0n },
    { authority: safe, delaySeconds: 5400n },
  ],
};
const cycle: Authority = {
  kind: "unfollowed",
  address: address("c1"),
  reason: "cycle",
};

describe("formatAuthority", () => {
  for (const [authority, line] of [
    [key, "0xa1a1…a1a1"],
    [safe, "Safe 0x5a5a…5a5a 2 of 3 (0xa1a1…a1a1, 0xa1a1…a1a1, 0xa1a1…a1a1)"],
    [
      timelock,
      "Timelock 0x7171…7171 48 h, proposers Safe 0x5a5a…5a5a 2 of 3 (0xa1a1…a1a1, 0xa1a1…a1a1, 0xa1a1…a1a1), executors anyone",
    ],
    [
      manager,
      "AccessManager 0xacac…acac role 18446744073709551614: 0xa1a1…a1a1 or Safe 0x5a5a…5a5a 2 of 3 (0xa1a1…a1a1, 0xa1a1…a1a1, 0xa1a1…a1a1) after 90 min",
    ],
    [
      { kind: "contract", address: address("c0"), owner: cycle },
      "contract 0xc0c0…c0c0 owned by 0xc1c1…c1c1 (as above)",
    ],
    [{ kind: "contract", address: address("c0") }, "contract 0xc0c0…c0c0"],
    [{ ...cycle, reason: "size" }, "0xc1c1…c1c1 (not followed further)"],
    [{ kind: "nobody" }, "nobody"],
    [{ kind: "anyone" }, "anyone"],
    [{ kind: "unlisted" }, "someone the node's logs don't show"],
  ] as const) {
    it(`says ${line}`, () => {
      expect(formatAuthority(authority, shortAddress)).to.equal(line);
    });
  }

  it("shows addresses in full unless told otherwise", () => {
    expect(formatAuthority({ ...safe, owners: [key] })).to.equal(
      `Safe ${address("5a")} 2 of 1 (${address("a1")})`,
    );
  });

  for (const [delaySeconds, text] of [
    [0n, "0 s"],
    [90n, "90 s"],
    [3600n, "1 h"],
    [259_200n, "3 d"],
    [604_800n, "7 d"],
    [90_000n, "25 h"],
  ] as const) {
    it(`says ${text}`, () => {
      expect(
        formatAuthority({ ...timelock, delaySeconds }, shortAddress),
      ).to.include(`${text}, proposers`);
    });
  }
});

describe("formatPermission", () => {
  for (const [permission, line] of [
    [
      { mechanism: { kind: "owner", getter: "owner" }, holders: [key] },
      "0xa1a1…a1a1",
    ],
    [
      {
        mechanism: { kind: "role", role: "0x12", name: "PAUSER_ROLE" },
        holders: [key, safe],
      },
      "PAUSER_ROLE: 0xa1a1…a1a1 or Safe 0x5a5a…5a5a 2 of 3 (0xa1a1…a1a1, 0xa1a1…a1a1, 0xa1a1…a1a1)",
    ],
    [
      {
        mechanism: { kind: "role", role: `0x${"12".repeat(32)}` },
        holders: [],
      },
      "role 0x12121212…: nobody",
    ],
    [{ mechanism: { kind: "absent" }, holders: [] }, "no such function"],
    [
      { mechanism: { kind: "unknown" }, holders: [] },
      "unknown: the contract names nobody",
    ],
    [
      {
        mechanism: {
          kind: "unknown",
          refused: { to: [address("a1")], reason: "frozen" },
        },
        holders: [],
      },
      "perhaps nobody: 0xa1a1…a1a1 refused like a stranger: frozen",
    ],
    [{ mechanism: { kind: "open" }, holders: [{ kind: "anyone" }] }, "anyone"],
  ] as const) {
    it(`says ${line}`, () => {
      const confirmed: Permission = { ...permission, confirmed: true };
      expect(formatPermission(confirmed, shortAddress)).to.equal(line);
    });
  }

  it("says when it is the contract's own word only", () => {
    const permission: Permission = {
      mechanism: { kind: "owner", getter: "owner" },
      holders: [key],
      confirmed: false,
    };
    expect(formatPermission(permission, shortAddress)).to.equal(
      "0xa1a1…a1a1 (unconfirmed)",
    );
  });
});

describe("authorityToJson", () => {
  it("has whom a contract refused though it names them", () => {
    const refused = { to: [address("a1")], reason: "frozen" };
    const json = permissionToJson({
      mechanism: { kind: "unknown", refused },
      holders: [],
      confirmed: false,
    });
    expect(JSON.parse(JSON.stringify(json))).to.have.deep.nested.property(
      "mechanism.refused",
      refused,
    );
  });

  it("has delays as numbers and role ids as text, all the way down", () => {
    const contract: Authority = {
      kind: "contract",
      address: address("c0"),
      owner: { ...timelock, proposers: [manager] },
    };
    const json = authorityToJson(contract);
    expect(JSON.parse(JSON.stringify(json))).to.deep.equal(json);
    expect(json).to.have.nested.property("owner.delaySeconds", 172_800);
    expect(json).to.have.nested.property(
      "owner.proposers[0].roleId",
      "18446744073709551614",
    );
    expect(json).to.have.nested.property(
      "owner.proposers[0].members[1].delaySeconds",
      5400,
    );
  });

  it("keeps the mechanism and whether it is confirmed", () => {
    expect(
      permissionToJson({
        mechanism: { kind: "owner", getter: "pauser" },
        holders: [key],
        confirmed: true,
      }),
    ).to.deep.equal({
      mechanism: { kind: "owner", getter: "pauser" },
      holders: [{ ...key }],
      confirmed: true,
    });
  });
});

function address(byte: string): Address {
  return `0x${byte.repeat(20)}`;
}
