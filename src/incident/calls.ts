import type { Json } from "../core/canonical-json.js";

/** A call as it was approved. */
export interface IncidentCall {
  readonly label: string;
  readonly to: string;
  /** Wei, decimal digits. */
  readonly value: string;
  readonly data: string;
  /** Whom it is for. */
  readonly contracts?: readonly string[];
}

/** The calls in what was approved of a step; a step needn't have any. */
export function callsIn(approval: Json): readonly IncidentCall[] {
  const calls: unknown =
    typeof approval === "object" && approval !== null && "calls" in approval
      ? approval.calls
      : undefined;
  return Array.isArray(calls) ? (calls as readonly IncidentCall[]) : [];
}
