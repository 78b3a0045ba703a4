import { readCommit } from "../core/git-commit.js";
import type { CreateSimulation } from "../rehearsal/fork.js";
import {
  rehearse,
  type Rehearsable,
  type Rehearsal,
} from "../rehearsal/rehearse.js";
import type { EmergencyOptions } from "../recovery/emergency.js";
import type { RollbackOptions } from "../recovery/rollback.js";
import type { UpgradeOptions } from "../recovery/upgrade.js";
import type { RunEvent } from "../run/runner.js";
import { withFork, type ForkOptions } from "./fork-session.js";
import type { Session, SessionSource } from "./open-session.js";
import {
  prepareEmergency,
  preparePause,
  prepareRollback,
  prepareUpgrade,
  type Selection,
} from "./procedure.js";
import { TOOL_VERSION } from "./tool-version.js";

/** What is rehearsed, with its own arguments. */
export type Procedure =
  | ({ readonly kind: "pause" } & Selection)
  | ({ readonly kind: "rollback" } & RollbackOptions)
  | ({ readonly kind: "upgrade" } & UpgradeOptions)
  | ({ readonly kind: "emergency" } & EmergencyOptions);

export interface RehearsalOptions extends Omit<ForkOptions, "authorityOver"> {
  readonly onEvent?: (event: RunEvent) => void;
}

/**
 * Runs a procedure's very plan on a fork of the network, as whoever has the
 * authority.
 *
 * @throws {DrError} FORK_FAILED, and whatever the procedure would be refused with.
 */
export async function rehearseProcedure(
  source: SessionSource,
  createSimulation: CreateSimulation,
  procedure: Procedure,
  { onEvent, ...options }: RehearsalOptions = {},
): Promise<Rehearsal> {
  return await withFork(
    source,
    createSimulation,
    { ...options, authorityOver: selectionOf(procedure) },
    async ({ fork, session, original, actors }) =>
      await rehearse(
        {
          fork,
          recovery: session.ports,
          origin: original.ports.rpc,
          actors,
          confirmations: original.confirmations,
          toolVersion: TOOL_VERSION,
          commit: await readCommit(source.root),
          ...(onEvent === undefined ? {} : { onEvent }),
        },
        async () => await prepare(session, procedure),
      ),
  );
}

function selectionOf(procedure: Procedure): Selection {
  return procedure.kind === "upgrade"
    ? { names: [procedure.name], all: false }
    : procedure;
}

async function prepare(
  session: Session,
  procedure: Procedure,
): Promise<Rehearsable> {
  switch (procedure.kind) {
    case "pause": {
      const { plan, resolution } = await preparePause(session, {
        ...procedure,
        paused: true,
      });
      return { plan, refused: resolution.refused };
    }
    case "rollback": {
      const { plan, resolution } = await prepareRollback(session, procedure);
      return { plan, refused: resolution.refused };
    }
    case "emergency": {
      const { plan } = await prepareEmergency(session, procedure);
      return { plan, refused: [] };
    }
    case "upgrade": {
      const { plan } = await prepareUpgrade(session, procedure);
      return { plan, refused: [] };
    }
  }
}
