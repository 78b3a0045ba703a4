import type { Json } from "../core/canonical-json.js";
import type { Proof } from "../rehearsal/prove.js";
import type { Paint } from "./text.js";

/** What a proof showed, on a few lines. */
export function formatProof(
  { call, senders, reason, refusedAsPaused, views }: Proof,
  paint: Paint,
): string {
  const { same, changed, silenced } = views;
  const warn = (label: string, names: readonly string[]): string[] =>
    names.length === 0
      ? []
      : [`  ${paint("yellow", "!")} ${label}: ${names.join(", ")}`];
  const lines = [
    `${paint("green", "Proven on a fork")}: ${call} passes now, and reverts once paused: ${reason}`,
    `  tried from ${senders.join(", ")}`,
    ...(refusedAsPaused
      ? []
      : [
          `  ${paint("yellow", "!")} it isn't the pause's own error as OpenZeppelin words it`,
        ]),
    `  views that answer as before: ${same.join(", ") || "none known"}`,
    ...warn("views that answer something else", changed),
    ...warn("views that revert once paused", silenced),
  ];
  return `${lines.join("\n")}\n`;
}

/** For `--json`. */
export function proofToJson({ views, senders, ...proof }: Proof): Json {
  const { same, changed, silenced } = views;
  return {
    ...proof,
    senders: [...senders],
    views: {
      same: [...same],
      changed: [...changed],
      silenced: [...silenced],
    },
  };
}
