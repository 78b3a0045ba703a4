import type { BlockReader } from "../../chain/block-reader.js";
import type { Rpc } from "../../chain/rpc.js";
import type { Clock } from "../../core/clock.js";
import type { Address, Hex } from "../../core/hex.js";
import type {
  ProposedContract,
  SimulationReport,
} from "../../safe/proposal.js";
import type { Sealing } from "../../safe/sealing.js";
import type { TypedData } from "../../safe/transaction.js";
import type { Subject } from "../actions.js";
import type { DirectRoute } from "../direct/direct-route.js";

/** What going through a Safe needs. */
export interface SafeRoutePorts {
  readonly rpc: Rpc;
  readonly network: string;
  /** `deployments/<network>`: proposals lie in its `safe/`. */
  readonly folder: string;
  /** Of the go-bag. */
  readonly sealing: Sealing;
  readonly clock: Clock;
  readonly chainId: number;
  readonly openDirect: (from: Address) => DirectRoute;
  /** @throws {DrError} SIGNER_UNKNOWN when Hardhat doesn't hold the key. */
  readonly signTypedData: (owner: Address, data: TypedData) => Promise<Hex>;
  /** Where this chain's MultiSendCallOnly is. */
  readonly findMultiSend: (
    reader: BlockReader,
    version: string,
  ) => Promise<Address>;
  /** What the next proposal did on a fork, for those who sign. */
  readonly simulation?: SimulationReport;
  /** How contracts of deploy.json stand, for those who sign. */
  readonly describeContracts: (
    reader: BlockReader,
    subjects: readonly Subject[],
  ) => Promise<readonly ProposedContract[]>;
}
