import type { Address } from "../../src/core/hex.js";
import {
  contractAt,
  deploy,
  send,
  signer,
  type Connection,
} from "../helpers/contracts.js";
import { BEACON, BEACON_PROXY } from "../helpers/deploy-platform.js";

export interface LedgerBeacon {
  readonly proxy: Address;
  readonly beacon: Address;
  readonly implementation: Address;
}

/** `Ledger` behind a beacon, initialized. */
export async function deployLedger(
  connection: Connection,
): Promise<LedgerBeacon> {
  const implementation = await deploy(connection, "Ledger");
  const { address } = await signer(connection);
  const beacon = await deploy(connection, BEACON, [implementation, address]);
  const proxy = await deploy(connection, BEACON_PROXY, [beacon, "0x"]);
  const ledger = await contractAt(connection, "Ledger", proxy);
  await send(connection, ledger, "initialize");
  return { proxy, beacon, implementation };
}

/** By hand, as OpenZeppelin's validation would refuse it: types change. */
export async function retypeLedger(
  connection: Connection,
  beacon: Address,
): Promise<void> {
  const retyped = await deploy(connection, "LedgerRetyped");
  const contract = await contractAt(connection, BEACON, beacon);
  await send(connection, contract, "upgradeTo", [retyped]);
}

/** Writes what the old version would misread. */
export async function spoilLedger(
  connection: Connection,
  proxy: Address,
): Promise<void> {
  const ledger = await contractAt(connection, "LedgerRetyped", proxy);
  await send(connection, ledger, "spoil");
}

export async function deployRetypedLedger(
  connection: Connection,
): Promise<LedgerBeacon> {
  const ledger = await deployLedger(connection);
  await retypeLedger(connection, ledger.beacon);
  await spoilLedger(connection, ledger.proxy);
  return ledger;
}
