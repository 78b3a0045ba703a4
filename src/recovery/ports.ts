import { BlockReader, readChainId } from "../chain/block-reader.js";
import type { Agreement } from "../chain/quorum.js";
import type { Rpc } from "../chain/rpc.js";
import type { VerifyCheck } from "../config/types.js";
import type { Clock } from "../core/clock.js";
import { DrError } from "../core/errors.js";
import type { Address } from "../core/hex.js";
import type { Step } from "../run/step.js";
import { readDeployFile, type DeployDocument } from "../deployments/read.js";
import type { ArtifactSource } from "../implementation/artifact-source.js";
import type { RouteChoice } from "../route/choice.js";
import type { SafeContracts } from "../safe/multi-send-addresses.js";
import type { Proposal, SimulationReport } from "../safe/proposal.js";
import type { Sealing } from "../safe/sealing.js";
import type { OpenDeployer, OpenRoute } from "../route/route.js";

import type { Facts } from "./facts.js";

/** What every recovery works with. */
export interface RecoveryPorts {
  readonly network: string;
  readonly rpc: Rpc;
  readonly clock: Clock;
  /** The project's root. */
  readonly root: string;
  /** `deployments/<network>`: deploy.json, and what runs leave beside it. */
  readonly folder: string;
  /** Of the go-bag. */
  readonly sealing: Sealing;
  /** Everyone who can sign here, in order of preference. */
  readonly accounts: readonly Address[];
  /** Who shall act, where the user has named one; see `actorOf`. */
  readonly goesBy?: RouteChoice["kind"];
  readonly openRoute: OpenRoute;
  readonly openDeployer: OpenDeployer;
  readonly artifacts: ArtifactSource;
  readonly checks: Readonly<Record<string, VerifyCheck>>;
  /** Safe's contracts on this chain, where the user says so. */
  readonly safeContracts: SafeContracts;
  /** What a Safe's transaction would do, tried on a fork. */
  readonly simulateProposal?: (proposal: Proposal) => Promise<SimulationReport>;
  /**
   * That several RPCs say the same of what is about to be relied on; absent
   * when no others are configured.
   *
   * @throws {DrError} RPC_DISAGREES, RPC_QUORUM_UNAVAILABLE, WRONG_CHAIN.
   */
  readonly assertAgreed?: (facts: Facts) => Promise<Agreement>;
  /** Steps that go before every upgrade; here snapshots are taken. */
  readonly beforeUpgrade?: () => readonly Step[];
}

/** deploy.json and the chain it speaks of, at one block. */
export interface World {
  readonly document: DeployDocument;
  readonly reader: BlockReader;
  readonly chainId: number;
}

/** @throws {DrError} WRONG_CHAIN, and whatever is wrong with deploy.json. */
export async function readWorld({
  network,
  rpc,
  folder,
}: Pick<RecoveryPorts, "network" | "rpc" | "folder">): Promise<World> {
  const path = `${folder}/deploy.json`;
  const [document, chainId, reader] = await Promise.all([
    readDeployFile(path),
    readChainId(rpc),
    BlockReader.at(rpc),
  ]);
  const expected = document.file.chainId;
  if (chainId !== BigInt(expected)) {
    throw new DrError("WRONG_CHAIN", {
      network,
      actual: chainId,
      file: path,
      expected,
    });
  }
  return { document, reader, chainId: expected };
}
