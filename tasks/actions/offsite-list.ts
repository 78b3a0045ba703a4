import type { NewTaskActionFunction } from "hardhat/types/tasks";

import type { DrConfig, OffsiteTarget } from "../../src/config/types.js";
import { isDrError } from "../../src/core/errors.js";
import { EXIT_CODES } from "../../src/core/exit-codes.js";
import {
  formatListing,
  listingToJson,
  type TargetListing,
} from "../../src/display/offsite-list.js";
import { examine } from "../../src/offsite/examine.js";
import { takeInventory } from "../../src/offsite/inventory.js";
import { readKnownManifests } from "../../src/offsite/known-manifests.js";
import { chooseTargets, openTarget, requireRetentionDays } from "./offsite.js";
import { runTask } from "./output.js";

interface ListArguments {
  readonly target: string;
  readonly manifests: boolean;
  readonly json: boolean;
}

/** So many manifests are read without being asked to: a second or two. */
const FEW_MANIFESTS = 500;

const DAY_MS = 86_400_000;

const action: NewTaskActionFunction<ListArguments> = async (args, hre) =>
  await runTask(args, async (output) => {
    const { dr } = hre.config;
    const targets = chooseTargets(dr, args.target);
    requireRetentionDays(dr);
    const listings = await Promise.all(
      targets.map(async (target) => await list(target, dr, args.manifests)),
    );
    const now = new Date();
    for (const listing of listings) {
      output.text(formatListing(listing, now, output.paint));
    }
    const isGood = listings.every(
      ({ error, examination }) =>
        error === undefined && (examination?.breaks.length ?? 0) === 0,
    );
    return {
      json: { targets: listings.map(listingToJson) },
      exitCode: isGood ? EXIT_CODES.done : EXIT_CODES.error,
    };
  });

export default action;

/** One that can't be read keeps no other from being shown. */
async function list(
  target: OffsiteTarget,
  dr: DrConfig,
  isAsked: boolean,
): Promise<TargetListing> {
  const { name } = target;
  try {
    const storage = await openTarget(target);
    const inventory = await takeInventory(storage, dr.project);
    const listing = { target: name, address: storage.address, inventory };
    if (!isAsked && inventory.artifacts.length > FEW_MANIFESTS) {
      return listing;
    }
    const keptSince = new Date(Date.now() - requireRetentionDays(dr) * DAY_MS);
    const examination = await examine(storage, inventory, {
      trusted: dr.signing.trusted,
      keptSince,
      known: await readKnownManifests(dr.paths.backups, name),
    });
    return { ...listing, examination };
  } catch (error) {
    if (isDrError(error)) {
      return { target: name, error };
    }
    throw error;
  }
}
