import { DrError } from "../core/errors.js";
import type { Address } from "../core/hex.js";
import { findImplementation as findRecorded } from "../deployments/history.js";
import { findContract } from "../deployments/select.js";
import { findImplementation as findSource } from "../implementation/implementation-source.js";
import {
  fullyQualifiedName,
  readArtifactIfUnique,
  type ContractArtifact,
} from "../implementation/artifact-source.js";
import { inspectProxy } from "../proxy/inspect.js";
import type { ChangeIntent } from "./change-intent.js";
import { sealChanges } from "./change-rounds.js";
import { notUpgradable } from "./not-upgradable.js";
import { planDeployment, type PlannedDeployment } from "./plan-deployment.js";
import { readWorld, type RecoveryPorts, type World } from "./ports.js";
import { resolveChange, type WantedChange } from "./resolve-change.js";
import { validateUpgrade } from "./safety/upgrade-validation.js";

export interface UpgradeOptions {
  readonly name: string;
  /** A contract of this project, or the address of an implementation. */
  readonly to: string;
  readonly constructorArguments: readonly unknown[];
  /** Pause before; default: users go on all the while. */
  readonly pause?: boolean;
  /** Unpause what was paused before. */
  readonly unpause?: boolean;
}

/** An upgrade with nothing left open, and what the user must know of it. */
export interface UpgradeResolution {
  readonly intent: ChangeIntent;
  readonly chainId: number;
  readonly notes: readonly string[];
}

type DeployableArtifact = ContractArtifact & { readonly bytecode: string };

/**
 * @throws {DrError} UPGRADE_UNSAFE with OpenZeppelin's explanation, and every
 * other reason why it can't be done; nothing is changed here.
 */
export async function resolveUpgrade(
  ports: RecoveryPorts,
  options: UpgradeOptions,
): Promise<UpgradeResolution> {
  const world = await readWorld(ports);
  const record = findContract(world.document.file, options.name);
  const target = await findTarget(ports, world, options);
  const notes = await validate(ports, world, options.name, target.artifact);
  const planned = target.planned;
  const wanted: WantedChange = {
    name: options.name,
    record,
    to: target.to,
    ...(target.artifact === undefined
      ? {}
      : { contract: fullyQualifiedName(target.artifact) }),
    ...(planned === undefined ? {} : { newCode: planned.code }),
  };
  const { change, notes: more } = await resolveChange(ports, world, wanted, {
    pause: options.pause ?? false,
    unpause: options.unpause ?? false,
    acceptedSlots: [],
  });
  return {
    intent: {
      reason: "upgrade",
      contracts: await sealChanges(world.reader, { contracts: [change] }),
      ...(planned === undefined ? {} : { deployment: planned.deployment }),
    },
    chainId: world.chainId,
    notes: [...notes, ...more],
  };
}

interface Target {
  readonly to: Address;
  readonly artifact: ContractArtifact | undefined;
  readonly planned?: PlannedDeployment;
}

async function findTarget(
  { artifacts, accounts, folder, root, network }: RecoveryPorts,
  { reader, chainId }: World,
  { to, constructorArguments }: UpgradeOptions,
): Promise<Target> {
  if (/^0x[0-9a-f]{40}$/i.test(to)) {
    const places = { artifacts, folder, root, chainId };
    const source = await findSource(reader, to as Address, places);
    const contract = source.status === "known" ? source.contract : undefined;
    return {
      to: to as Address,
      artifact:
        contract === undefined
          ? undefined
          : await readArtifactIfUnique(artifacts, contract),
    };
  }
  const artifact = (await readArtifactIfUnique(artifacts, to)) as
    DeployableArtifact | undefined;
  if (artifact === undefined) {
    throw new DrError("UPGRADE_TARGET_UNKNOWN", { to });
  }
  const [from] = accounts;
  if (from === undefined) {
    throw new DrError("NO_ACCOUNTS", { network });
  }
  const planned = await planDeployment(
    reader,
    artifact,
    constructorArguments,
    from,
  );
  return { to: planned.deployment.address, artifact, planned };
}

/** OpenZeppelin's validation; what couldn't be validated is said. */
async function validate(
  { artifacts, folder, root }: RecoveryPorts,
  { reader, document, chainId }: World,
  name: string,
  artifact: ContractArtifact | undefined,
): Promise<string[]> {
  if (artifact === undefined) {
    return [
      `${name}: the source of the new implementation isn't in this project; nothing about it was validated.`,
    ];
  }
  const record = findContract(document.file, name);
  const state = await inspectProxy(reader, record.proxy);
  if (state === undefined) {
    throw new DrError("NO_CODE", { what: name, address: record.proxy });
  }
  if (state.kind === "plain") {
    throw await notUpgradable(reader, name, state);
  }
  const hint = findRecorded(record, state.implementation)?.contract;
  const places = { artifacts, folder, root, chainId };
  const from = await findSource(reader, state.implementation, places, hint);
  const validation = await validateUpgrade({
    from,
    to: artifact,
    kind: state.kind,
    artifacts,
  });
  return validation.status === "safe"
    ? [`${name}: OpenZeppelin's validation finds nothing against the upgrade.`]
    : [`${name}: storage was not compared. ${validation.reason}`];
}
