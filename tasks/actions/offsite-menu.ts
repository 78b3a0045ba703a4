import { ARTIFACT_KINDS, type ArtifactKind } from "../../src/artifact/name.js";
import { DrError } from "../../src/core/errors.js";
import { formatAge } from "../../src/core/duration.js";
import { formatListing } from "../../src/display/offsite-list.js";
import { formatBytes } from "../../src/display/text.js";
import type { WantedBackup } from "../../src/offsite/choose-backup.js";
import type { Inventory, RemoteArtifact } from "../../src/offsite/inventory.js";
import { KINDS_IN_ORDER } from "../../src/offsite/local-artifacts.js";
import type { Output } from "./output.js";

const NAMES: Readonly<Record<ArtifactKind, string>> = {
  database: "Database restore",
  contracts: "Contract restore",
  files: "Files restore",
  configuration: "Configuration restore",
};

/**
 * Asks what to restore, on the terminal.
 *
 * @returns nothing when the user would rather not.
 * @throws {DrError} MENU_NEEDS_TERMINAL.
 */
export async function chooseInMenu(
  inventory: Inventory,
  address: string,
  output: Output,
): Promise<readonly WantedBackup[]> {
  if (!process.stdin.isTTY) {
    throw new DrError("MENU_NEEDS_TERMINAL", {});
  }
  for (;;) {
    const choice = await askWhat(inventory, address);
    switch (choice) {
      case "exit":
        return [];
      case "list":
        output.text(
          formatListing(
            { target: "Backups", address, inventory },
            new Date(),
            output.paint,
          ),
        );
        break;
      case "full":
        return KINDS_IN_ORDER.map((kind) => ({ kind }));
      default: {
        const name = await askWhich(inventory, choice);
        if (name !== undefined) {
          return [{ kind: choice, name }];
        }
      }
    }
  }
}

type Choice = ArtifactKind | "full" | "list" | "exit";

async function askWhat(
  { artifacts }: Inventory,
  address: string,
): Promise<Choice> {
  const { isCancel, select } = await import("@clack/prompts");
  const kinds = ARTIFACT_KINDS.filter((kind) =>
    artifacts.some((one) => one.kind === kind),
  );
  const answer = await select<Choice>({
    message: `What shall be restored from ${address}?`,
    output: process.stderr,
    options: [
      ...kinds.map((kind) => ({ value: kind, label: NAMES[kind] })),
      { value: "full", label: "Full restore", hint: "the newest of each" },
      { value: "list", label: "List backups" },
      { value: "exit", label: "Exit" },
    ],
  });
  return isCancel(answer) ? "exit" : answer;
}

/** @returns undefined to go back. */
async function askWhich(
  { artifacts }: Inventory,
  kind: ArtifactKind,
): Promise<string | undefined> {
  const { isCancel, select } = await import("@clack/prompts");
  const now = new Date();
  const answer = await select<string>({
    message: `${NAMES[kind]}: which backup?`,
    output: process.stderr,
    maxItems: 15,
    options: [
      ...artifacts
        .filter((one) => one.kind === kind && one.artifact !== undefined)
        .toReversed()
        .map((one) => ({ value: one.name, label: labelOf(one, now) })),
      { value: "", label: "Back" },
    ],
  });
  return isCancel(answer) || answer === "" ? undefined : answer;
}

function labelOf(
  { name, createdAt, artifact, status, provenAt }: RemoteArtifact,
  now: Date,
): string {
  const proof =
    status !== "complete"
      ? "no manifest: nothing proves it"
      : provenAt === undefined
        ? "never restored"
        : `restored ${formatAge(provenAt, now)} ago`;
  const size = formatBytes(artifact?.sizeBytes ?? 0);
  return `${name}  ${formatAge(createdAt, now)} old  ${size}  ${proof}`;
}
