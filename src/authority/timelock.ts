import { ZERO_ADDRESS, type Address, type Hex } from "../core/hex.js";
import {
  readHasRole,
  readLoggedMembers,
  type RoleReader,
} from "./role-members.js";

const MIN_DELAY = "function getMinDelay() view returns (uint256)";
const PROPOSER_GETTER = "function PROPOSER_ROLE() view returns (bytes32)";
const EXECUTOR_GETTER = "function EXECUTOR_ROLE() view returns (bytes32)";

/** keccak256 of their names, in all versions. */
export const PROPOSER_ROLE: Hex =
  "0xb09aa5aeb3702cfd50b6b62bc4532604938f21248a27a1d5ca736082b6819cc1";
export const EXECUTOR_ROLE: Hex =
  "0xd8aa0f3194971a2a116679f7c2090f6939c8d4e01a2a8d7e41d55e5351469e63";
/** Since OpenZeppelin 4.6; before, proposers cancel. */
export const CANCELLER_ROLE: Hex =
  "0xfd643c72710c63c0180259aba6b2d05451e3591a24e58b62239378085726f783";

/** A TimelockController's roles; undefined where the node's logs don't tell. */
export interface TimelockRoles {
  readonly delaySeconds: bigint;
  readonly proposers: readonly Address[] | undefined;
  /** None when `openExecutor`: then everybody is. */
  readonly executors: readonly Address[] | undefined;
  readonly cancellers: readonly Address[] | undefined;
  readonly openExecutor: boolean;
}

/**
 * An OpenZeppelin TimelockController, versions 3.4 to 5.
 *
 * @returns undefined when the address is none.
 */
export async function readTimelock(
  source: RoleReader,
  address: Address,
): Promise<TimelockRoles | undefined> {
  const { reader } = source;
  const [delaySeconds, proposerRole, executorRole, openExecutor] =
    await Promise.all([
      reader.call(address, MIN_DELAY),
      reader.call(address, PROPOSER_GETTER),
      reader.call(address, EXECUTOR_GETTER),
      readHasRole(reader, address, EXECUTOR_ROLE, ZERO_ADDRESS),
    ]);
  if (
    typeof delaySeconds !== "bigint" ||
    proposerRole !== PROPOSER_ROLE ||
    executorRole !== EXECUTOR_ROLE ||
    openExecutor === undefined
  ) {
    return undefined;
  }
  const [proposers, executors, cancellers] = await Promise.all(
    [PROPOSER_ROLE, EXECUTOR_ROLE, CANCELLER_ROLE].map(
      async (role) => await readLoggedMembers(source, address, role),
    ),
  );
  return {
    delaySeconds,
    proposers,
    executors: openExecutor ? [] : executors,
    cancellers,
    openExecutor,
  };
}
