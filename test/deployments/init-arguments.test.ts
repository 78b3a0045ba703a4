import { expect } from "chai";

import { parseInitArguments } from "../../src/deployments/init-arguments.js";
import { refusalOf } from "./refusal.js";
import { FIRST, PROXY } from "./sample-file.js";

describe("parseInitArguments", () => {
  it("takes names and addresses, whose checksum it adds", () => {
    expect(
      parseInitArguments([
        `SkillProfile=${PROXY}`,
        `my-token_2=${FIRST.toLowerCase()}`,
      ]),
    ).to.deep.equal([
      { name: "SkillProfile", address: PROXY },
      { name: "my-token_2", address: FIRST },
    ]);
  });

  for (const [what, argumentList, reason] of [
    ["an address without name", [PROXY], /NAME=0xPROXY/],
    ["an empty name", [`=${PROXY}`], /NAME=0xPROXY/],
    ["a name with a space", [`Skill Profile=${PROXY}`], /isn't a name/],
    ["no address", ["SkillProfile="], /isn't an address/],
    ["a short address", ["SkillProfile=0x12"], /isn't an address/],
    [
      "a mistyped address",
      [`SkillProfile=${PROXY.replace("5F", "5f")}`],
      /checksum/,
    ],
    ["a name twice", [`A=${PROXY}`, `A=${FIRST}`], /name is given twice/],
    [
      "an address twice",
      [`A=${PROXY}`, `B=${PROXY.toLowerCase()}`],
      /address is given twice/,
    ],
  ] as const) {
    it(`refuses ${what}`, async () => {
      const error = await refusalOf(() => parseInitArguments(argumentList));
      expect(error.code).to.equal("INIT_ARGUMENT_INVALID");
      expect(error.message).to.match(reason);
    });
  }
});
