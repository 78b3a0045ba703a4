import { createHash } from "node:crypto";

import { canonicalJson, type Json } from "../core/canonical-json.js";
import type { Step } from "./step.js";

/**
 * What a procedure will do, in order. It is built from its intent alone, so
 * the same intent always gives the same plan, today and in `dr:resume`.
 */
export interface Plan {
  /** `pause`, `rollback`, …: which builder makes this plan. */
  readonly procedure: string;
  readonly network: string;
  readonly chainId: number;
  /** The arguments with nothing left open: names, addresses, what was found on the chain. */
  readonly intent: Json;
  readonly steps: readonly Step[];
  /** For the one who approves: warnings and reports, shown above the steps. */
  readonly notes: readonly string[];
  /**
   * Asked once more between the approval and the first step.
   *
   * @throws {DrError} PLAN_STALE when the world has moved on since.
   */
  assertFresh(): Promise<void>;
  /**
   * Asked before the first step of a run, and of a resumed one: whether several
   * RPCs say the same of what the plan rests on. Absent when there is only one.
   *
   * @returns for people: `3 RPCs agree at block 123.`
   * @throws {DrError} when they don't.
   */
  readonly assertAgreed?: () => Promise<string>;
}

/** The part of a step that is written down and compared. */
export interface ApprovedStep {
  readonly id: string;
  readonly title: string;
  readonly reversibility: string;
  readonly approval: Json;
}

export function approvedSteps(plan: Plan): ApprovedStep[] {
  return plan.steps.map(({ id, title, reversibility, approval }) => ({
    id,
    title,
    reversibility,
    approval,
  }));
}

/** SHA-256 of all that is approved, in hexadecimal. */
export function digestPlan(plan: Plan): string {
  const { procedure, chainId, intent } = plan;
  const approved = approvedSteps(plan).map((step) => ({ ...step }));
  return createHash("sha256")
    .update(canonicalJson({ procedure, chainId, intent, steps: approved }))
    .digest("hex");
}
