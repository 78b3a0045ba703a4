import { BlockReader } from "../../chain/block-reader.js";
import type { Address, Hex } from "../../core/hex.js";
import type { Step, StepLog, StepState } from "../../run/step.js";
import { areDone, assertAllFresh, callsOf, contractsOf } from "../actions.js";
import { describeCalls } from "../approval.js";
import type { SafeChoice } from "../choice.js";
import { replayEntries } from "../direct/attempts.js";
import { keyOf } from "../direct/mined.js";
import { readyUnless } from "../readiness.js";
import type { Action, Route } from "../route.js";
import type { ExaminedProposal } from "./own-proposal.js";
import type { SafeRoutePorts } from "./ports.js";

/** Loaded when a Safe is really involved: proposals and signatures are much code. */
const proposals = async () => await import("./own-proposal.js");

/**
 * Makes calls as one transaction of a Safe: proposed as a file, signed by its
 * owners wherever they are, executed by whoever pays.
 */
export class SafeRoute implements Route {
  readonly kind = "safe";
  readonly #ports: SafeRoutePorts;
  readonly #choice: SafeChoice;

  constructor(ports: SafeRoutePorts, choice: SafeChoice) {
    this.#ports = ports;
    this.#choice = choice;
  }

  toSteps(
    id: string,
    title: string,
    actions: readonly Action[],
  ): readonly Step[] {
    const signing = this.#choice.signers.length > 0;
    return [
      this.#proposing(`${id}:propose`, title, actions),
      ...(signing ? [this.#signing(`${id}:sign`, title, actions)] : []),
      this.#executing(`${id}:execute`, title, actions),
    ];
  }

  #proposing(id: string, title: string, actions: readonly Action[]): Step {
    const { safe, threshold, owners } = this.#choice;
    return {
      id,
      title: `${title}: propose it to the Safe ${safe}, ${String(threshold)} of ${String(owners)}`,
      reversibility: "reversible",
      approval: { route: "safe", safe, calls: describeCalls(actions) },
      check: async () => {
        const reader = await this.#look();
        const { findProposal } = await proposals();
        const isThere =
          (await areDone(reader, actions)) ||
          (await findProposal(this.#ports, reader, safe, actions)) !==
            undefined;
        return isThere
          ? { status: "done" }
          : await readyUnless(async () => {
              await assertAllFresh(reader, actions);
            });
      },
      run: async (log) => {
        const { propose } = await proposals();
        const proposal = await propose(this.#ports, safe, actions);
        const { safeTxHash, transaction } = proposal;
        const nonce = String(transaction.nonce);
        await log.append({ kind: "proposed", safe, safeTxHash, nonce });
      },
      verify: async () => {
        const reader = await this.#look();
        if (!(await areDone(reader, actions))) {
          await this.#examine(reader, actions);
        }
      },
    };
  }

  /** With the keys that Hardhat holds. */
  #signing(id: string, title: string, actions: readonly Action[]): Step {
    const { safe, signers } = this.#choice;
    return {
      id,
      title: `${title}: sign as ${signers.join(", ")}`,
      reversibility: "irreversible",
      approval: { route: "safe", safe, signers },
      check: async () => {
        const reader = await this.#look();
        if (await areDone(reader, actions)) {
          return { status: "done" };
        }
        return await readyUnless(async () => {
          await assertAllFresh(reader, actions);
          const examined = await this.#examine(reader, actions);
          return hasEnough(examined) || this.#unsigned(examined).length === 0
            ? { status: "done" }
            : undefined;
        });
      },
      run: async (log) => {
        const examined = await this.#examine(await this.#look(), actions);
        const owners = this.#unsigned(examined);
        const { signAs } = await proposals();
        await signAs(this.#ports, examined, owners);
        const { safeTxHash } = examined.proposal;
        for (const signer of owners) {
          await log.append({ kind: "signed", safe, safeTxHash, signer });
        }
      },
      verify: () => Promise.resolve(),
    };
  }

  #unsigned({ missing }: ExaminedProposal): readonly Address[] {
    return this.#choice.signers.filter((one) => missing.includes(one));
  }

  #executing(id: string, title: string, actions: readonly Action[]): Step {
    const { safe, executor, threshold } = this.#choice;
    const direct = this.#ports.openDirect(executor.from);
    return {
      id,
      title: `${title}: execute it with ${String(threshold)} signatures, from ${executor.from}`,
      reversibility: "irreversible",
      approval: { route: "safe", safe, from: executor.from },
      check: async (log) => await this.#readiness(actions, log),
      run: async (log) => {
        const data = isUnderWay(log) ? "0x" : await this.#assemble(actions);
        const labels = callsOf(actions).map(({ label }) => label);
        await direct.send(
          [
            {
              key: keyOf(contractsOf(actions)),
              to: safe,
              value: 0n,
              data,
              label: `Safe.execTransaction(${labels.join(", ")})`,
              isDone: async (reader) => await areDone(reader, actions),
            },
          ],
          log,
        );
      },
      verify: async () => {
        await direct.requireInEffect(actions);
      },
    };
  }

  async #readiness(
    actions: readonly Action[],
    log: StepLog,
  ): Promise<StepState> {
    if (isUnderWay(log)) {
      return { status: "ready" };
    }
    const reader = await this.#look();
    if (await areDone(reader, actions)) {
      return { status: "done" };
    }
    return await readyUnless(async () => {
      await assertAllFresh(reader, actions);
      const examined = await this.#examine(reader, actions);
      return hasEnough(examined, this.#choice.executor.from)
        ? undefined
        : waitForSignatures(examined);
    });
  }

  async #assemble(actions: readonly Action[]): Promise<Hex> {
    const reader = await this.#look();
    const examined = await this.#examine(reader, actions);
    const { encodeExecution } = await proposals();
    return await encodeExecution(reader, examined, this.#choice.executor.from);
  }

  async #examine(
    reader: BlockReader,
    actions: readonly Action[],
  ): Promise<ExaminedProposal> {
    const { safe } = this.#choice;
    const { examineProposal } = await proposals();
    return await examineProposal(this.#ports, reader, safe, actions);
  }

  async #look(): Promise<BlockReader> {
    return await BlockReader.at(this.#ports.rpc);
  }
}

/** What is under way is in the journal, its signatures too. */
function isUnderWay({ entries }: Pick<StepLog, "entries">): boolean {
  return replayEntries(entries).live.size > 0;
}

/** @param executor - An owner who executes says yes by that. */
function hasEnough(
  { approvals, missing, state }: ExaminedProposal,
  executor?: Address,
): boolean {
  const byExecuting =
    executor !== undefined && missing.includes(executor) ? 1 : 0;
  return approvals + byExecuting >= state.threshold;
}

function waitForSignatures({
  proposal: { safe, safeTxHash },
  approvals,
  missing,
  state: { threshold },
}: ExaminedProposal): StepState {
  return {
    status: "waiting",
    reason: `The Safe ${safe} has ${String(approvals)} of ${String(threshold)} signatures; still to sign, any ${String(threshold - approvals)} of: ${missing.join(", ")}. They sign with \`npx hardhat dr:safe:sign ${safeTxHash}\`.`,
    until: { kind: "signatures", safe, safeTxHash },
  };
}
