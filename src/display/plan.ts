import type { Json } from "../core/canonical-json.js";
import type { ApprovedStep } from "../run/plan.js";
import { indent, type Paint } from "./text.js";

/** A plan as it is shown to the one who approves it. */
export interface PlanView {
  readonly procedure: string;
  readonly network: string;
  readonly chainId: number;
  readonly digest: string;
  readonly steps: readonly ApprovedStep[];
  readonly notes: readonly string[];
}

interface CallView {
  readonly label: string;
  readonly to: string;
  readonly value: string;
  readonly data: string;
}

export function formatPlan(plan: PlanView, paint: Paint): string {
  const { procedure, network, chainId, digest, steps, notes } = plan;
  const lines = [
    paint(
      "bold",
      `Plan: ${procedure} on ${network} (chainId ${String(chainId)})`,
    ),
    ...steps.map((step, index) => formatStep(step, index + 1, paint)),
    ...notes.map((note) => indent(`${paint("yellow", "!")} ${note}`, 2)),
    paint("dim", `  digest ${digest.slice(0, 16)}`),
  ];
  return `${lines.join("\n")}\n`;
}

function formatStep(step: ApprovedStep, number: number, paint: Paint): string {
  const head = `  ${String(number)}. ${step.title}`;
  const calls = callsOf(step).map(({ label, to, value, data }) => {
    const worth = value === "0" ? "" : `, value ${value} wei`;
    const shown = data.length > 74 ? `${data.slice(0, 74)}…` : data;
    return paint("dim", `     ${label}  →  ${to}${worth}, data ${shown}`);
  });
  return [head, ...calls].join("\n");
}

function callsOf({ approval }: ApprovedStep): readonly CallView[] {
  return typeof approval === "object" &&
    approval !== null &&
    "calls" in approval
    ? (approval.calls as unknown as readonly CallView[])
    : [];
}

/** For `--json`: what would be approved. */
export function planToJson({
  procedure,
  network,
  chainId,
  steps,
  notes,
}: Omit<PlanView, "digest">): Json {
  return {
    procedure,
    network,
    chainId,
    steps: steps.map(({ id, title, reversibility, approval }) => ({
      id,
      title,
      reversibility,
      approval,
    })),
    notes: [...notes],
  };
}
