import type {
  ContractRecord,
  DeployFile,
} from "../../src/deployments/deploy-file.js";
import type { Address, Hex } from "../../src/core/hex.js";

export const PROXY: Address = "0x5FbDB2315678afecb367f032d93F642f64180aa3";
export const ADMIN: Address = "0xCafac3dD18aC6c6e92c921884f9E4176737C052c";
export const FIRST: Address = "0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512";
export const SECOND: Address = "0x9fE46736679d2D9a65F0992F2272dE9f3c7fa6e0";
export const THIRD: Address = "0xCf7Ed3AccA5a467e9e704C703E8D87F634fB0Fc9";

export function hashOf(digit: string): Hex {
  return `0x${digit.repeat(64)}`;
}

/** A transparent proxy: 1.0.0, then 2.0.0. */
export function sampleRecord(): ContractRecord {
  return {
    proxy: PROXY,
    kind: "transparent",
    admin: ADMIN,
    implementations: {
      [FIRST]: {
        version: "1.0.0",
        contract: "contracts/SkillProfile.sol:SkillProfile",
        codeHash: hashOf("1"),
      },
      [SECOND]: { version: "2.0.0", codeHash: hashOf("2") },
    },
    history: [
      {
        implementation: FIRST,
        reason: "deploy",
        block: 12,
        tx: hashOf("a"),
        at: "2026-11-01T10:00:00Z",
      },
      {
        implementation: SECOND,
        reason: "upgrade",
        block: 90,
        tx: hashOf("b"),
        at: "2026-11-20T10:00:00Z",
      },
    ],
  };
}

export function sampleFile(): DeployFile {
  return {
    schemaVersion: 1,
    chainId: 31337,
    contracts: { SkillProfile: sampleRecord() },
  };
}
