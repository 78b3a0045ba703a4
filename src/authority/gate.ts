import type { BlockReader } from "../chain/block-reader.js";
import { explainRevert } from "../chain/revert-reason.js";
import type { RpcOutcome } from "../chain/rpc.js";
import type { Address, Hex } from "../core/hex.js";
import { decodeDenial, fingerprint, type Denial } from "./denial.js";

/** Some address that nobody has the key of and no contract has heard of. */
const STRANGER: Address = "0x21375c1875C9B79EA68B6efe1C31E579a5A908DA";

/** A call of a function that no contract has. */
const NO_SUCH_FUNCTION: Hex = "0x9b66cd47";

/** Whose permission is asked for. */
export interface PermissionQuery {
  readonly to: Address;
  /** Where `to` delegates its calls, when it's a proxy. */
  readonly implementation?: Address;
  /**
   * Calldata, the call in question first; then others that the same people
   * may make, in case the contract's state forbids the first: unpause.
   */
  readonly calls: readonly Hex[];
  /**
   * Part of the name of the role to think of first, `PAUSE`, when a contract
   * doesn't say which of several it asks for.
   */
  readonly roleHint?: string;
}

/** How a contract treats a stranger who tries. */
export type Gate =
  | { readonly kind: "absent" }
  | { readonly kind: "open" }
  | {
      readonly kind: "guarded";
      /** What a stranger is told; undefined when it isn't understood. */
      readonly denial: Denial | undefined;
      /** The same in the contract's words. */
      readonly reason: string;
      /** The calls refused in that way, the one to go by first. */
      readonly calls: readonly [GuardedCall, ...GuardedCall[]];
    };

export interface GuardedCall {
  readonly data: Hex;
  readonly fingerprint: string;
}

interface Attempt extends GuardedCall {
  readonly outcome: RpcOutcome;
  readonly denial: Denial | undefined;
}

/**
 * Lets a stranger try the calls. The refusal tells how access is guarded,
 * most precisely: OpenZeppelin's names the role that is missing. As a control
 * the same is done with a function that surely doesn't exist.
 */
export async function findGate(
  reader: BlockReader,
  { to, implementation, calls }: PermissionQuery,
): Promise<Gate> {
  const [control, attempts, code, delegatedCode] = await Promise.all([
    attempt(reader, to, NO_SUCH_FUNCTION),
    Promise.all(calls.map(async (data) => await attempt(reader, to, data))),
    reader.code(to),
    reader.code(implementation ?? to),
  ]);
  if (code === "0x") {
    return { kind: "absent" };
  }
  const present = attempts.filter((each) =>
    isPresent(each, control, [code, delegatedCode]),
  );
  if (present.length === 0 && !mayHideFunctions(delegatedCode)) {
    return { kind: "absent" };
  }
  const candidates = present.length === 0 ? attempts : present;
  const chosen = chooseAttempt(candidates);
  if (chosen === undefined) {
    return { kind: "absent" };
  }
  if (chosen.outcome.ok) {
    return { kind: present.length === 0 ? "absent" : "open" };
  }
  const alike = candidates.filter(
    (each) => each !== chosen && isSameGate(each, chosen),
  );
  return {
    kind: "guarded",
    denial: chosen.denial,
    reason: reasonFor(chosen.outcome.error),
    calls: [chosen, ...alike],
  };
}

/** Whether a sender gets further than a stranger with one of the calls. */
export async function tryGate(
  reader: BlockReader,
  to: Address,
  from: Address,
  calls: readonly GuardedCall[],
): Promise<"succeeds" | "passes" | "refused"> {
  const outcomes = await Promise.all(
    calls.map(async ({ data }) => await reader.callRaw({ to, data, from })),
  );
  if (outcomes.some(({ ok }) => ok)) {
    return "succeeds";
  }
  const passes = calls.some((call, index) => {
    const outcome = outcomes[index];
    return (
      outcome !== undefined &&
      fingerprint(outcome, { from, data: call.data }) !== call.fingerprint
    );
  });
  return passes ? "passes" : "refused";
}

/** Who was refused is only us, under a name that nobody knows. */
function reasonFor(error: unknown): string {
  const stranger = new RegExp(STRANGER.slice(2), "gi");
  return explainRevert(error).replace(stranger, "<the sender>");
}

async function attempt(
  reader: BlockReader,
  to: Address,
  data: Hex,
): Promise<Attempt> {
  const outcome = await reader.callRaw({ to, data, from: STRANGER });
  return {
    data,
    outcome,
    denial: decodeDenial(outcome),
    fingerprint: fingerprint(outcome, { from: STRANGER, data }),
  };
}

/**
 * A function is there when the contract treats it otherwise than one that
 * can't exist, or refuses it and has its selector in the code. A fallback that
 * swallows everything is no proof.
 */
function isPresent(
  { data, fingerprint: told, outcome }: Attempt,
  control: Attempt,
  codes: readonly Hex[],
): boolean {
  if (told !== control.fingerprint) {
    return true;
  }
  // The compiler drops leading zero bytes.
  const selector = data
    .slice(2, 10)
    .toLowerCase()
    .replace(/^(00)+/, "");
  return !outcome.ok && codes.some((code) => code.includes(selector));
}

/** The one whose refusal says who may; one refused for the state's sake last. */
function chooseAttempt(attempts: readonly Attempt[]): Attempt | undefined {
  return (
    attempts.find(
      ({ outcome, denial }) =>
        outcome.ok || (denial !== undefined && denial.by !== "state"),
    ) ??
    attempts.find(({ denial }) => denial?.by !== "state") ??
    attempts[0]
  );
}

function isSameGate(a: Attempt, b: Attempt): boolean {
  return a.fingerprint === b.fingerprint;
}

/**
 * Whether code may have functions whose selectors it doesn't contain: a
 * forwarder of an unknown kind delegates and has no dispatcher of its own.
 */
function mayHideFunctions(code: Hex): boolean {
  // PUSH4 selector, perhaps DUPn, then EQ or XOR; DELEGATECALL is f4.
  return !/63[0-9a-f]{8}(8[0-9a-f])?(14|18)/.test(code) && code.includes("f4");
}
