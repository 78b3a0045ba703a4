/**
 * How a contract is upgraded: `transparent` (EIP-1967 admin slot), `uups` (by
 * itself), `beacon` (at its beacon, all at once), `zos` (the slots of
 * OpenZeppelin's first SDK), `plain` (not a proxy).
 */
export type ProxyKind = "transparent" | "uups" | "beacon" | "zos" | "plain";
