import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";

import { ANNOUNCED, type RunStage } from "../../src/config/notify-names.js";
import { messageOf } from "../../src/core/errors.js";
import { runAnnouncement } from "../../src/notify/run-announcement.js";
import type { ConductedRun } from "../../src/run/conduct.js";
import type { Plan } from "../../src/run/plan.js";
import type { RunOutcome } from "../../src/run/runner.js";
import type { Session } from "../../src/session/open-session.js";
import { announce } from "./announce.js";
import { conduct, type Interruption } from "./apply.js";
import { refreshBanner } from "./banner.js";
import type { Output } from "./output.js";

/** Where a run takes place, and who is told of it. */
export interface RunScene {
  readonly session: Session;
  readonly hre: HardhatRuntimeEnvironment;
  readonly output: Output;
}

/** What people are told of it. */
interface News {
  readonly run: string;
  readonly stage: RunStage;
  readonly reason?: string;
}

/** Carries out a new run, as {@link conduct} does, and tells people of it. */
export async function conductAnnounced(
  plan: Plan,
  scene: RunScene,
  interruption: Interruption,
): Promise<ConductedRun> {
  const { session, output } = scene;
  let begun: string | undefined;
  try {
    const conducted = await conduct(
      plan,
      session,
      output,
      interruption,
      (run) => {
        begun = run;
        announceRun(plan, scene, { run, stage: "begun" });
      },
    );
    announceEnd(plan, scene, conducted);
    return conducted;
  } catch (error) {
    if (begun !== undefined) {
      const reason = messageOf(error);
      announceRun(plan, scene, { run: begun, stage: "failed", reason });
    }
    throw error;
  }
}

/** Tells people where a run stands, and brings the banner up to date. */
export function announceEnd(
  plan: Pick<Plan, "procedure" | "intent">,
  scene: RunScene,
  { run, outcome }: Pick<ConductedRun, "run" | "outcome">,
): void {
  announceRun(plan, scene, { run, ...standingOf(outcome) });
  scene.output.afterwards(refreshBanner(scene));
}

function standingOf(outcome: RunOutcome): Omit<News, "run"> {
  switch (outcome.status) {
    case "done":
      return { stage: "done" };
    case "waiting":
      return { stage: "waiting", reason: outcome.reason };
    case "failed":
      return { stage: "failed", reason: messageOf(outcome.error) };
  }
}

/** Not waited for: see {@link Output.afterwards}. */
function announceRun(
  { procedure, intent }: Pick<Plan, "procedure" | "intent">,
  { session, hre, output }: RunScene,
  news: News,
): void {
  const { notify, project } = hre.config.dr;
  const announced = ANNOUNCED.find((one) => one === procedure);
  if (
    announced === undefined ||
    !notify.recoveries[announced].includes(news.stage) ||
    (session.isDevelopment && !notify.developmentChains)
  ) {
    return;
  }
  const { network, clock } = session.ports;
  // The intents of all that are announced name their contracts so.
  const { contracts } = intent as unknown as {
    readonly contracts: readonly { readonly name: string }[];
  };
  const announcement = runAnnouncement({
    procedure: announced,
    project,
    network,
    contracts: contracts.map(({ name }) => name),
    at: clock.now(),
    ...news,
  });
  output.afterwards(announce(hre, announcement, output));
}
