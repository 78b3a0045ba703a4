import { BlockReader } from "../../chain/block-reader.js";
import type { Address, Hex } from "../../core/hex.js";
import type { Step, StepLog, StepState } from "../../run/step.js";
import { encodeExecTransaction } from "../../safe/execution.js";
import { parseSignature } from "../../safe/owner-signature.js";
import {
  addSignature,
  writeProposal,
  type Proposal,
} from "../../safe/proposal.js";
import {
  assembleSignatures,
  countApprovals,
  type SignatureCheck,
} from "../../safe/signature.js";
import { typedDataOf } from "../../safe/transaction.js";
import { areDone, assertAllFresh, callsOf, contractsOf } from "../actions.js";
import { describeCalls } from "../approval.js";
import type { SafeChoice } from "../choice.js";
import { replayEntries } from "../direct/attempts.js";
import { keyOf } from "../direct/mined.js";
import { readyUnless } from "../readiness.js";
import type { Action, Route } from "../route.js";
import {
  examineProposal,
  findProposal,
  propose,
  type ExaminedProposal,
} from "./own-proposal.js";
import type { SafeRoutePorts } from "./ports.js";

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
          return isEnough(examined.check) ||
            this.#unsigned(examined).length === 0
            ? { status: "done" }
            : undefined;
        });
      },
      run: async (log) => {
        const examined = await this.#examine(await this.#look(), actions);
        for (const signer of await this.#sign(examined)) {
          const { safeTxHash } = examined.proposal;
          await log.append({ kind: "signed", safe, safeTxHash, signer });
        }
      },
      verify: () => Promise.resolve(),
    };
  }

  /** @returns who has signed. */
  async #sign(examined: ExaminedProposal): Promise<readonly Address[]> {
    const { clock, folder, signTypedData } = this.#ports;
    const { domain, state, proposal } = examined;
    const typedData = typedDataOf(domain, proposal.transaction);
    const owners = this.#unsigned(examined);
    let signed = proposal;
    for (const owner of owners) {
      const bytes = await signTypedData(owner, typedData);
      signed = addSignature(signed, {
        ...parseSignature(bytes, proposal.safeTxHash, state.owners),
        at: clock.now().toISOString(),
      });
    }
    await writeProposal(folder, signed);
    return owners;
  }

  #unsigned({ check }: ExaminedProposal): readonly Address[] {
    return this.#choice.signers.filter((one) => check.missing.includes(one));
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
      const { proposal, check } = await this.#examine(reader, actions);
      return isEnough(check, this.#choice.executor.from)
        ? undefined
        : waitForSignatures(proposal, check);
    });
  }

  /** Calldata of `execTransaction`, tried on the Safe. */
  async #assemble(actions: readonly Action[]): Promise<Hex> {
    const reader = await this.#look();
    const { proposal, state, domain } = await this.#examine(reader, actions);
    const { transaction, signatures } = proposal;
    const assembled = await assembleSignatures(
      reader,
      state,
      domain,
      transaction,
      signatures,
      this.#choice.executor.from,
    );
    return encodeExecTransaction(transaction, assembled);
  }

  async #examine(
    reader: BlockReader,
    actions: readonly Action[],
  ): Promise<ExaminedProposal> {
    const { safe } = this.#choice;
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
function isEnough(check: SignatureCheck, executor?: Address): boolean {
  const byExecuting =
    executor !== undefined && check.missing.includes(executor) ? 1 : 0;
  return countApprovals(check) + byExecuting >= check.threshold;
}

function waitForSignatures(
  { safe, safeTxHash }: Proposal,
  check: SignatureCheck,
): StepState {
  const have = countApprovals(check);
  return {
    status: "waiting",
    reason: `The Safe ${safe} has ${String(have)} of ${String(check.threshold)} signatures; still to sign, any ${String(check.threshold - have)} of: ${check.missing.join(", ")}. They sign with \`npx hardhat dr:safe:sign ${safeTxHash}\`.`,
    until: { kind: "signatures", safe, safeTxHash },
  };
}
