import type { NewTaskActionFunction } from "hardhat/types/tasks";

import { EXIT_CODES, type ExitCode } from "../../src/core/exit-codes.js";
import {
  damagedToJson,
  formatIncidentList,
  standingToJson,
} from "../../src/display/declared-incident.js";
import { listDeclared } from "../../src/incident/declared/incident-journal.js";
import { readPostMortem } from "../../src/incident/declared/post-mortem.js";
import {
  standingOf,
  type IncidentStanding,
} from "../../src/incident/declared/standing.js";
import { runTask } from "./output.js";
import { lookForDue, responsePorts } from "./respond.js";

interface ListArguments {
  readonly all: boolean;
  readonly json: boolean;
}

const action: NewTaskActionFunction<ListArguments> = async (args, hre) =>
  await runTask(args, async (output) => {
    const ports = responsePorts(hre, output);
    const { incidents, clock, contacts } = ports;
    await lookForDue(ports, output);
    const now = clock.now();
    const found = await listDeclared(incidents);
    const damaged = found.flatMap((one) => ("error" in one ? [one] : []));
    const standings = await Promise.all(
      found.flatMap((one) =>
        "incident" in one
          ? [
              readPostMortem(incidents, one.incident, now).then((postMortem) =>
                standingOf(one.incident, now, postMortem),
              ),
            ]
          : [],
      ),
    );
    const shown = standings.filter((one) => args.all || isUnfinished(one));
    output.text(
      formatIncidentList(shown, damaged, contacts, incidents, output.paint),
    );
    return {
      json: {
        incidents: shown.map((one) => standingToJson(one, contacts)),
        damaged: damaged.map(damagedToJson),
        late: shown.some(({ isLate }) => isLate),
      },
      exitCode: exitCodeFor(shown, damaged.length),
    };
  });

export default action;

function isUnfinished({ state, postMortem }: IncidentStanding): boolean {
  return state !== "closed" || postMortem?.status !== "done";
}

/** For a watch that runs it by the clock: 4 while somebody is awaited who is late. */
function exitCodeFor(
  shown: readonly IncidentStanding[],
  damaged: number,
): ExitCode {
  if (damaged > 0) {
    return EXIT_CODES.error;
  }
  return shown.some(({ isLate }) => isLate)
    ? EXIT_CODES.waiting
    : EXIT_CODES.done;
}
