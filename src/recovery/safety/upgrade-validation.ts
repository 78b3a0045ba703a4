import { DrError, messageOf } from "../../core/errors.js";
import type { ProxyKind } from "../../core/proxy-kind.js";
import {
  fullyQualifiedName,
  readBuild,
  type ArtifactSource,
  type ContractArtifact,
} from "../../implementation/artifact-source.js";
import {
  layoutOf,
  loadOpenZeppelin,
  validateContract,
  type Validation,
} from "../../implementation/extract-layout.js";
import type { ImplementationSource } from "../../implementation/implementation-source.js";

/** What could be checked of an upgrade that nothing was found against. */
export type UpgradeValidation =
  | { readonly status: "safe" }
  /** The new contract is safe in itself; storage couldn't be compared. */
  | { readonly status: "unknown"; readonly reason: string };

/**
 * OpenZeppelin's own verdict on an upgrade: what the new contract must not do
 * (constructor, selfdestruct, delegatecall, immutables …), that a UUPS one can be upgraded
 * again, and that storage fits. Its annotations in the source are honoured.
 *
 * @param from - What is there now.
 * @param to - The contract that shall replace it.
 * @throws {DrError} UPGRADE_UNSAFE with OpenZeppelin's explanations.
 */
export async function validateUpgrade({
  from,
  to,
  kind,
  artifacts,
}: {
  readonly from: ImplementationSource;
  readonly to: ContractArtifact;
  readonly kind: ProxyKind;
  readonly artifacts: ArtifactSource;
}): Promise<UpgradeValidation> {
  const contract = fullyQualifiedName(to);
  const build = await readBuild(artifacts, to);
  if (build === undefined) {
    return {
      status: "unknown",
      reason: `The build info of ${contract} isn't kept. Run \`npx hardhat build --force\` and try again.`,
    };
  }
  const validation = await analyse(contract, async () =>
    validateContract(to, build),
  );
  await assertSafeAlone(contract, validation, kind);
  const layout = await layoutOf(validation);
  if (from.status === "unknown") {
    return { status: "unknown", reason: from.reason };
  }
  if (layout === undefined) {
    return {
      status: "unknown",
      reason: `The storage layout of ${contract} can't be told.`,
    };
  }
  const { getStorageUpgradeReport, withValidationDefaults } =
    await loadOpenZeppelin();
  const report = await analyse(contract, () =>
    Promise.resolve(
      getStorageUpgradeReport(from.layout, layout, withValidationDefaults({})),
    ),
  );
  if (!report.pass) {
    throw unsafe(contract, report.explain(false));
  }
  return { status: "safe" };
}

async function assertSafeAlone(
  contract: string,
  { run, name }: Validation,
  kind: ProxyKind,
): Promise<void> {
  const { getErrors, UpgradeableContractErrorReport } =
    await loadOpenZeppelin();
  const version = run[name]?.version;
  if (version === undefined) {
    throw unsafe(contract, "It is abstract or an interface: it has no code.");
  }
  const errors = getErrors(run, version, {
    kind: kind === "uups" || kind === "beacon" ? kind : "transparent",
  });
  if (errors.length > 0) {
    throw unsafe(
      contract,
      new UpgradeableContractErrorReport(errors).explain(false),
    );
  }
}

/** OpenZeppelin throws about sources that no proxy can use. */
async function analyse<T>(
  contract: string,
  examine: () => Promise<T>,
): Promise<T> {
  try {
    return await examine();
  } catch (error) {
    throw unsafe(contract, messageOf(error).trim(), error);
  }
}

function unsafe(
  contract: string,
  explanation: string,
  cause?: unknown,
): DrError {
  return new DrError("UPGRADE_UNSAFE", { contract, explanation }, { cause });
}
