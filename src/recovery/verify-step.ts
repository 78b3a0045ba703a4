import { BlockReader } from "../chain/block-reader.js";
import type { VerifyCheck } from "../config/types.js";
import { DrError, messageOf } from "../core/errors.js";
import { sameAddress } from "../core/hex.js";
import { readPaused, readVersion } from "../proxy/getters.js";
import { readCodeHash } from "../proxy/inspect.js";
import type { Step } from "../run/step.js";
import { readImplementation } from "./change-actions.js";
import type { ChangeIntent, ContractChange } from "./change-intent.js";
import type { RecoveryPorts } from "./ports.js";

/**
 * Reads back all that the change was for, and runs the user's own checks.
 * While it fails, nothing after it happens: what is paused stays paused.
 */
export function verifyStep(
  ports: RecoveryPorts,
  { contracts: changes, atOnce = false }: ChangeIntent,
): Step {
  return {
    id: "verify",
    title: `Verify ${changes.map(({ name }) => name).join(", ")}: implementation, code, version()${describeChecks(ports, changes)}`,
    reversibility: "reversible",
    approval: { contracts: changes.map(({ name, to }) => ({ name, to })) },
    check: () => Promise.resolve({ status: "ready" }),
    run: () => Promise.resolve(),
    verify: async () => {
      const reader = await BlockReader.at(ports.rpc);
      for (const change of changes) {
        await verifyChange(reader, change, atOnce, ports.checks[change.name]);
      }
    },
  };
}

function describeChecks(
  { checks }: RecoveryPorts,
  changes: readonly ContractChange[],
): string {
  const own = changes.filter(({ name }) => checks[name] !== undefined);
  return own.length === 0
    ? ""
    : `, your checks of ${own.map(({ name }) => name).join(", ")}`;
}

async function verifyChange(
  reader: BlockReader,
  change: ContractChange,
  atOnce: boolean,
  check: VerifyCheck | undefined,
): Promise<void> {
  const { name, proxy, to, toCodeHash, versionAfter } = change;
  const { pauseRoute, unpauseRoute } = change;
  const [implementation, codeHash, version, paused] = await Promise.all([
    readImplementation(reader, change),
    readCodeHash(reader, to),
    readVersion(reader, proxy),
    readPaused(reader, proxy),
  ]);
  demand(name, "implementation", sameAddress(implementation, to), {
    expected: to,
    found: implementation,
  });
  demand(name, "code hash", codeHash === toCodeHash, {
    expected: toCodeHash,
    found: codeHash ?? "no code",
  });
  demand(
    name,
    "version()",
    versionAfter === undefined || version === versionAfter,
    { expected: versionAfter ?? "", found: version ?? "no answer" },
  );
  const isUnpaused = atOnce && unpauseRoute !== undefined;
  demand(name, "paused()", pauseRoute === undefined || paused === !isUnpaused, {
    expected: String(!isUnpaused),
    found: String(paused),
  });
  if (check !== undefined) {
    await runCheck(reader, change, check);
  }
}

function demand(
  name: string,
  what: string,
  holds: boolean,
  { expected, found }: { readonly expected: string; readonly found: string },
): void {
  if (!holds) {
    throw new DrError("VERIFICATION_FAILED", {
      name,
      reason: `its ${what} is ${found} instead of ${expected}`,
    });
  }
}

async function runCheck(
  reader: BlockReader,
  { name, proxy }: ContractChange,
  check: VerifyCheck,
): Promise<void> {
  let passed: unknown;
  try {
    passed = await check({
      name,
      contract: {
        address: proxy,
        read: async (signature, ...args) =>
          await reader.call(proxy, signature, args),
      },
    });
  } catch (error) {
    throw new DrError(
      "VERIFICATION_FAILED",
      { name, reason: `your check says: ${messageOf(error)}` },
      { cause: error },
    );
  }
  demand(name, "own check", passed !== false, {
    expected: "true",
    found: "false",
  });
}
