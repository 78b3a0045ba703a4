import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";

import type { Json } from "../../src/core/canonical-json.js";
import { systemClock } from "../../src/core/clock.js";
import { DrError, isDrError } from "../../src/core/errors.js";
import { whoRuns } from "../../src/core/who-runs.js";
import {
  formatStanding,
  standingToJson,
} from "../../src/display/declared-incident.js";
import { toHtmlPage } from "../../src/display/html-document.js";
import {
  formatIncidentReport,
  formatPostMortem,
} from "../../src/display/incident-report.js";
import type { DeclaredIncident } from "../../src/incident/declared/declared-incident.js";
import { readPostMortem } from "../../src/incident/declared/post-mortem.js";
import {
  lookAfterIncidents,
  type ResponsePorts,
} from "../../src/incident/declared/respond.js";
import { standingOf } from "../../src/incident/declared/standing.js";
import type { ReportPorts } from "../../src/incident/declared/write-report.js";
import { announce, hasChannels } from "./announce.js";
import type { Output } from "./output.js";

/** What responding to incidents needs, as the project is configured. */
export function responsePorts(
  hre: HardhatRuntimeEnvironment,
  output: Pick<Output, "progress" | "afterwards">,
): ResponsePorts {
  const { dr } = hre.config;
  return {
    incidents: dr.paths.incidents,
    clock: systemClock,
    contacts: dr.contacts,
    by: whoRuns(),
    announce: hasChannels(dr.notify)
      ? async (announcement) =>
          (await announce(hre, announcement, output)).some(
            ({ error }) => error === undefined,
          )
      : undefined,
    // Whom to call is shown before the last channel has answered.
    afterwards: output.afterwards,
    onUnannounced: (reason) => {
      output.progress(`It couldn't be announced: ${reason}`);
    },
  };
}

export function reportPorts({
  config: { dr, chainDescriptors },
}: HardhatRuntimeEnvironment): ReportPorts {
  return {
    incidents: dr.paths.incidents,
    clock: systemClock,
    formatReport: (report) =>
      formatIncidentReport(report, (chainId, hash) => {
        const explorers = chainDescriptors.get(BigInt(chainId))?.blockExplorers;
        const explorer = explorers?.etherscan ?? explorers?.blockscout;
        return explorer === undefined
          ? undefined
          : `${explorer.url.replace(/\/$/, "")}/tx/${hash}`;
      }),
    formatPostMortem,
    toHtml: toHtmlPage,
  };
}

/**
 * Whoever looks sees to it that the next is called where nobody has acknowledged
 * in time. What keeps that from being entered is told: what was asked for is done
 * all the same.
 */
export async function lookForDue(
  ports: ResponsePorts,
  output: Pick<Output, "progress">,
): Promise<void> {
  try {
    for (const { id } of await lookAfterIncidents(ports)) {
      output.progress(`${id} is escalated: it wasn't acknowledged in time.`);
    }
  } catch (error) {
    if (!isDrError(error)) {
      throw error;
    }
    output.progress(`${error.message} ${error.fix}`);
  }
}

/** Shows how an incident stands. */
export async function showStanding(
  incident: DeclaredIncident,
  { incidents, clock, contacts }: ResponsePorts,
  output: Output,
): Promise<Readonly<Record<string, Json>>> {
  const now = clock.now();
  const postMortem = await readPostMortem(incidents, incident, now);
  const standing = standingOf(incident, now, postMortem);
  output.text(formatStanding(standing, contacts, output.paint));
  return standingToJson(standing, contacts);
}

/** A text that says something. @throws {DrError} OPTION_INVALID. */
export function requireText(option: string, value: string): string {
  const text = value.trim();
  if (text === "") {
    const expected = "a text that says something";
    throw new DrError("OPTION_INVALID", { option, value: "empty", expected });
  }
  return text;
}
