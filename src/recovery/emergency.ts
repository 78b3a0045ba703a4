import { readDeployFile } from "../deployments/read.js";
import { selectContracts } from "../deployments/select.js";
import type { ChangeIntent } from "./change-intent.js";
import type { RecoveryPorts } from "./ports.js";
import { resolveRollback } from "./rollback.js";
import type { SafetyReport } from "./safety/safety-report.js";
import { resolveUpgrade } from "./upgrade.js";

export interface EmergencyOptions {
  readonly names: readonly string[];
  readonly all: boolean;
  /** A contract of this project, an implementation's address, or `previous`. */
  readonly to: string;
  /** Unpause in the same transaction. */
  readonly unpause: boolean;
  readonly constructorArguments: readonly unknown[];
  /** Slots, decimal or hexadecimal. */
  readonly acceptedSlots: readonly string[];
}

/** An emergency upgrade with nothing left open. */
export interface EmergencyResolution {
  readonly intent: ChangeIntent;
  readonly chainId: number;
  /** Of going back, by contract name. */
  readonly safety: Readonly<Record<string, SafetyReport>>;
  readonly notes: readonly string[];
}

/**
 * Pause and upgrade as one transaction of the Safe that may do it at once,
 * past any timelock.
 *
 * @throws {DrError} AUTHORITY_ELSEWHERE when no Safe may, and whatever an
 * upgrade or a rollback is refused with; nothing is changed here.
 */
export async function resolveEmergency(
  ports: RecoveryPorts,
  options: EmergencyOptions,
): Promise<EmergencyResolution> {
  const bySafe: RecoveryPorts = { ...ports, goesBy: "safe" };
  return options.to === "previous"
    ? await goBack(bySafe, options)
    : await goTo(bySafe, options);
}

async function goBack(
  ports: RecoveryPorts,
  { names, all, unpause, acceptedSlots }: EmergencyOptions,
): Promise<EmergencyResolution> {
  const resolution = await resolveRollback(ports, {
    names,
    all,
    pause: true,
    keepPaused: !unpause,
    acceptedSlots,
  });
  return { ...resolution, intent: { ...resolution.intent, atOnce: true } };
}

async function goTo(
  ports: RecoveryPorts,
  { names, all, to, unpause, constructorArguments }: EmergencyOptions,
): Promise<EmergencyResolution> {
  const { file } = await readDeployFile(`${ports.folder}/deploy.json`);
  const resolved = await Promise.all(
    selectContracts(file, names, all).map(
      async ({ name }) =>
        await resolveUpgrade(ports, {
          name,
          to,
          constructorArguments,
          pause: true,
          unpause,
        }),
    ),
  );
  // One implementation for all of them: its deployment is the same each time.
  const deployment = resolved[0]?.intent.deployment;
  return {
    intent: {
      reason: "upgrade",
      atOnce: true,
      contracts: resolved.flatMap(({ intent }) => intent.contracts),
      ...(deployment === undefined ? {} : { deployment }),
    },
    chainId: file.chainId,
    safety: {},
    notes: resolved.flatMap(({ notes }) => notes),
  };
}
