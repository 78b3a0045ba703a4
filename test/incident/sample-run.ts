import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import type { Json } from "../../src/core/canonical-json.js";
import type { Address, Hex } from "../../src/core/hex.js";
import {
  chainRecord,
  type JournalEvent,
  type JournalRecord,
} from "../../src/run/journal.js";

export const RUN = "20261120-031500-rollback-1f0c";
export const OWNER: Address = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
export const PROXY: Address = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
export const OLD: Address = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC";
export const BAD: Address = "0x90F79bf6EB2c4f870365E785982E1f101E93b906";
export const OLD_HASH: Hex = `0x${"a1".repeat(32)}`;

const START = Date.parse("2026-11-20T03:15:00.000Z");
const DIRECT = { kind: "direct", from: OWNER };

/** An event and how many seconds after the one before. */
export type Happening = readonly [seconds: number, event: JournalEvent];

export interface SampleOptions {
  readonly name?: string;
  readonly label?: string;
}

/** The approval of a rollback of one contract. */
export function approved({
  name = "SkillProfile",
  label = `${name}.pause()`,
}: SampleOptions = {}): Happening {
  const call = (text: string, data: string): Json => ({
    contracts: [name],
    label: text,
    to: PROXY,
    value: "0",
    data,
  });
  const sending = (id: string, title: string, calls: readonly Json[]) => ({
    id,
    title: `${title} ${name}, from ${OWNER}`,
    reversibility: "reversible",
    approval: { route: "direct", from: OWNER, calls },
  });
  const ours = (id: string, title: string) => ({
    id,
    title,
    reversibility: "reversible",
    approval: {},
  });
  return [
    0,
    {
      type: "run-started",
      run: RUN,
      procedure: "rollback",
      network: "mainnet",
      chainId: 1,
      by: "ops@bastion",
      intent: {
        reason: "rollback",
        contracts: [
          {
            name,
            proxy: PROXY,
            from: BAD,
            to: OLD,
            toCodeHash: OLD_HASH,
            versionBefore: "2.0.0",
            versionAfter: "1.0.0",
            upgrade: {},
            upgradeRoute: DIRECT,
            pauseRoute: DIRECT,
            unpauseRoute: DIRECT,
            acceptedSlots: [],
          },
        ],
      },
      steps: [
        sending("pause", "Pause", [call(label, "0x8456cb59")]),
        sending("rollback", "Roll back", [
          call(
            `${name}.upgradeToAndCall(${OLD})`,
            `0x4f1ef286${"00".repeat(200)}`,
          ),
        ]),
        ours("verify", `Verify ${name}: implementation, code, version()`),
        sending("unpause", "Unpause", [
          call(`${name}.unpause()`, "0x3f4ba83a"),
        ]),
        ours("record", "Record the rollback in deploy.json"),
      ],
      digest: "d1".repeat(32),
      toolVersion: "0.1.0",
    },
  ];
}

/** A step that sends one transaction, from its start to its proof. */
export function sent(
  step: string,
  nonce: number,
  key = "SkillProfile",
): readonly Happening[] {
  const hash = `0x${String(nonce).repeat(64)}`;
  const entry = (json: unknown): JournalEvent => ({
    type: "step-entry",
    step,
    entry: json as Json,
  });
  const transaction = { from: OWNER, to: PROXY, nonce, value: "0", data: "0x" };
  const mined = {
    key,
    hash,
    block: `2100000${String(nonce)}`,
    status: "success",
    gasUsed: "31234",
  };
  return [
    [1, { type: "step-started", step }],
    [
      1,
      entry({
        kind: "intent",
        intents: [{ key, transaction, hash, block: "1" }],
      }),
    ],
    [1, entry({ kind: "sent", hashes: { [key]: hash } })],
    [12, entry({ kind: "mined", mined: [mined] })],
    [1, { type: "step-done", step, already: false }],
  ];
}

/** The whole rollback, to its end. */
export function wholeRun(options: SampleOptions = {}): readonly Happening[] {
  const name = options.name ?? "SkillProfile";
  return [
    approved(options),
    ...sent("pause", 1, name),
    ...sent("rollback", 2, name),
    [1, { type: "step-started", step: "verify" }],
    [1, { type: "step-done", step: "verify", already: false }],
    ...sent("unpause", 3, name),
    [0, { type: "step-done", step: "record", already: true }],
    [0, { type: "run-done" }],
  ];
}

/** The records of a journal in which this happened. */
export function recordsOf(happenings: readonly Happening[]): JournalRecord[] {
  const records: JournalRecord[] = [];
  let time = START;
  for (const [seconds, event] of happenings) {
    time += seconds * 1000;
    records.push(chainRecord(event, records.at(-1), new Date(time)));
  }
  return records;
}

/**
 * Writes a journal.
 *
 * @param folder - `deployments/<network>`.
 */
export async function writeJournal(
  folder: string,
  records: readonly JournalRecord[],
  run = RUN,
): Promise<string> {
  const runs = join(folder, "runs");
  await mkdir(runs, { recursive: true });
  const path = join(runs, `${run}.ndjson`);
  const lines = records.map((record) => `${JSON.stringify(record)}\n`);
  await writeFile(path, lines.join(""));
  return path;
}
