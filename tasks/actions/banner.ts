import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";

import { messageOf } from "../../src/core/errors.js";
import type { Session } from "../../src/session/open-session.js";
import type { Output } from "./output.js";

/**
 * Says in the banner what is paused now, by what the chain says: other runs,
 * and other people, pause too. Nothing on other networks than the banner's.
 * Never throws: a site that shows too little doesn't undo a pause.
 */
export async function refreshBanner({
  session,
  hre: { config },
  output,
}: {
  readonly session: Session;
  readonly hre: HardhatRuntimeEnvironment;
  readonly output: Pick<Output, "progress">;
}): Promise<void> {
  const { banner: settings } = config.dr;
  if (settings?.network !== session.ports.network) {
    return;
  }
  try {
    const [{ readPauseState }, { publishBanner }] = await Promise.all([
      import("../../src/session/pause-state.js"),
      import("../../src/notify/publish-banner.js"),
    ]);
    const state = await readPauseState(session);
    const at = session.ports.clock.now();
    const { banner, problems } = await publishBanner(settings, {
      ...state,
      at,
    });
    output.progress(`Banner: ${banner.status}`);
    for (const { message, fix } of problems) {
      output.progress(`${message} ${fix}`);
    }
  } catch (error) {
    output.progress(
      `The banner wasn't brought up to date: ${messageOf(error)}`,
    );
  }
}
