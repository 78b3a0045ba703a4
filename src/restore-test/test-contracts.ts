import { openSnapshot, withSnapshot } from "../snapshot/open-snapshot.js";
import { Checklist } from "./checklist.js";
import { FETCH_CRITERIA, type TestSource } from "./fetch-backup.js";
import { findSnapshotSources } from "./judge-sources.js";
import { testPart, type PartOptions, type PartTest } from "./test-part.js";

/**
 * Unpacks a target's contract snapshot, and measures that it is whole: its
 * files, its code, its deploy.json, its sources.
 *
 * @throws only the signal's reason.
 */
export async function testContracts(
  source: TestSource,
  options: PartOptions,
): Promise<PartTest> {
  const checklist = new Checklist([
    ...FETCH_CRITERIA,
    "extraction",
    "files",
    "code_hashes",
    "structure",
    "sources",
    "cleanup",
  ] as const);
  return await testPart(
    source,
    {
      kind: "contracts",
      checklist,
      restore: async ({ path }) => {
        const passed = {
          unpacked: ["extraction", "unpacked into a folder of its own"],
          listed: ["files", "each is the one in its list"],
          hashed: ["code_hashes", "all code has the hash that the state says"],
          described: ["structure", "deploy.json and manifest fit the state"],
        } as const;
        const opening = openSnapshot(
          path,
          options.keys,
          options.meter,
          (step) => {
            const [name, detail] = passed[step];
            checklist.pass(name, detail);
          },
        );
        return await withSnapshot(opening, async (opened) => {
          const { missing, contracts, files } =
            await findSnapshotSources(opened);
          checklist.record(
            "sources",
            missing.length === 0 && contracts > 0,
            missing.join("; ") ||
              `${String(files)} Solidity files, of ${String(contracts)} contracts`,
          );
          const { network, chainId, block } = opened.snapshot;
          return {
            restored: true,
            by: "dr:offsite:test",
            network,
            chainId,
            block: block.number,
            contracts,
            codeHashes: Object.keys(opened.snapshot.code).length,
          };
        });
      },
      findLeft: async () => await Promise.resolve([]),
    },
    options,
  );
}
