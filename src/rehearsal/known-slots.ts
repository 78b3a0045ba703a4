import type { Hex } from "../core/hex.js";
import {
  ADMIN_SLOT,
  BEACON_SLOT,
  IMPLEMENTATION_SLOT,
  ZOS_ADMIN_SLOT,
  ZOS_IMPLEMENTATION_SLOT,
} from "../proxy/slots.js";
import { namespaceSlot } from "../recovery/safety/variables.js";

/** OpenZeppelin 5 for upgradeable contracts: the members of each namespace, a slot each. */
const OPENZEPPELIN_NAMESPACES: Readonly<Record<string, readonly string[]>> = {
  Initializable: ["_initialized, _initializing"],
  Pausable: ["_paused"],
  Ownable: ["_owner"],
  Ownable2Step: ["_pendingOwner"],
  AccessControl: ["_roles"],
  AccessControlEnumerable: ["_roleMembers"],
  AccessManaged: ["_authority, _consumingSchedule"],
  ReentrancyGuard: ["_status"],
  ERC20: ["_balances", "_allowances", "_totalSupply", "_name", "_symbol"],
};

const PROXY_SLOTS: readonly (readonly [slot: Hex, name: string])[] = [
  [IMPLEMENTATION_SLOT, "EIP-1967 implementation"],
  [ADMIN_SLOT, "EIP-1967 admin"],
  [BEACON_SLOT, "EIP-1967 beacon"],
  [ZOS_IMPLEMENTATION_SLOT, "zOS implementation"],
  [ZOS_ADMIN_SLOT, "zOS admin"],
  [
    // keccak256("eip1967.proxy.rollback") − 1, of OpenZeppelin 4's UUPS.
    "0x4910fdfa16fed3260ed0e7147f7cc6da11a60208b5b9406d12a635614ffd9143",
    "EIP-1967 rollback",
  ],
];

/** Names of storage slots that mean the same in every contract. */
export const KNOWN_SLOTS: ReadonlyMap<Hex, string> = new Map([
  ...PROXY_SLOTS,
  ...Object.entries(OPENZEPPELIN_NAMESPACES).flatMap(([namespace, members]) =>
    members.map((member, index): [Hex, string] => {
      const first = namespaceSlot(`erc7201:openzeppelin.storage.${namespace}`);
      const slot = (first + BigInt(index)).toString(16).padStart(64, "0");
      return [`0x${slot}`, `OpenZeppelin ${namespace}: ${member}`];
    }),
  ),
]);
