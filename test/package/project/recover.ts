import type { VerifyCheck } from "hardhat-dr";
import hre from "hardhat";

/** Only type-checked: what a project's own script would write. */
export async function recover(): Promise<string | null> {
  const { dr } = await hre.network.create("live");
  const { run } = await dr.rollback({ contracts: ["SkillProfile"] });
  return run;
}

export const check: VerifyCheck = ({ name }) => name !== "";
