/**
 * The main job on embedded parts: a sample platform of three proxies, a
 * database and files, broken in three ways on copies and brought back by the
 * tasks of an incident. All of it lies in `sample/`, where the reports stay.
 */
import { cp, mkdir, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";

import hardhatEthers from "@nomicfoundation/hardhat-ethers";
import project from "hardhat";
import { createHardhatRuntimeEnvironment } from "hardhat/hre";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";

import { generateBackupKey } from "../src/artifact/backup-key.js";
import { withOpen } from "../src/database/pglite/open.js";
import hardhatDr from "../src/index.js";
import { deployPlatform } from "../test/helpers/deploy-platform.js";
import { platformProxies } from "../test/helpers/recovery-session.js";

const PROFILES = 2000;
/** Folders stand in for two buckets, of which chance takes one away. */
const REGIONS = ["frankfurt", "virginia"];

const started = performance.now();
const { paths } = project.config;
const root = join(paths.root, "sample");
// All is new but the reports of earlier drills, which show how it develops.
await mkdir(root, { recursive: true });
for (const name of await readdir(root)) {
  if (name !== "logs") {
    await rm(join(root, name), { recursive: true });
  }
}

tell(
  "The sample platform: three proxies, a database, files, two offsite targets.",
);
await Promise.all([createDatabase(), createFiles()]);
const hre = await openSample();
const connection = await hre.network.getOrCreate();
const proxies = platformProxies(await deployPlatform(connection));
await connection.dr.init(proxies);

tell("$ npx hardhat dr:drill");
await hre.tasks.getTask("dr:drill").run({});

const seconds = (performance.now() - started) / 1000;
tell(
  `${seconds.toFixed(1)} s in all. Open the report in a browser; \`npm run story\` tells a rollback step by step.`,
);

async function openSample(): Promise<HardhatRuntimeEnvironment> {
  return await createHardhatRuntimeEnvironment(
    {
      plugins: [hardhatEthers, hardhatDr],
      dr: {
        project: "takumi",
        database: {
          engine: "pglite",
          url: "database",
          criticalTables: ["profiles", "endorsements", "skill_claims"],
        },
        files: ["uploads"],
        encryption: { keyFile: "backup.key" },
        offsite: {
          targets: REGIONS.map((name) => ({
            kind: "fs",
            name,
            directory: `offsite/${name}`,
          })),
        },
        drill: { documents: ["runbook.md"] },
      },
    },
    {},
    root,
  );
}

async function createDatabase(): Promise<void> {
  await withOpen(join(root, "database"), "sample", async ({ pglite }) => {
    await pglite.exec(`
    CREATE TABLE profiles (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      address text NOT NULL UNIQUE,
      name text NOT NULL,
      joined timestamptz NOT NULL
    );
    CREATE TABLE endorsements (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      profile bigint NOT NULL REFERENCES profiles,
      endorser bigint NOT NULL REFERENCES profiles,
      skill text NOT NULL
    );
    CREATE TABLE skill_claims (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      profile bigint NOT NULL REFERENCES profiles,
      skill text NOT NULL,
      evidence jsonb
    );
    INSERT INTO profiles (address, name, joined)
      SELECT '0x' || md5(n::text) || '00000000', 'Profile ' || n, '2024-01-01'::timestamptz + n * interval '1 hour'
      FROM generate_series(1, ${String(PROFILES)}) n;
    INSERT INTO endorsements (profile, endorser, skill)
      SELECT 1 + n % ${String(PROFILES)}, 1 + n * 7 % ${String(PROFILES)}, 'skill ' || n % 50
      FROM generate_series(1, ${String(3 * PROFILES)}) n;
    INSERT INTO skill_claims (profile, skill, evidence)
      SELECT 1 + n % ${String(PROFILES)}, 'skill ' || n % 50, jsonb_build_object('link', 'ipfs://' || md5(n::text))
      FROM generate_series(1, ${String(2 * PROFILES)}) n;
  `);
  });
}

async function createFiles(): Promise<void> {
  await writeFile(join(root, "package.json"), '{ "type": "module" }\n');
  await symlink(paths.artifacts, join(root, "artifacts"));
  await generateBackupKey(join(root, "backup.key"));
  for (const region of REGIONS) {
    await mkdir(join(root, "offsite", region), { recursive: true });
  }
  await cp(join(paths.root, "contracts"), join(root, "uploads"), {
    recursive: true,
  });
  await writeFile(
    join(root, "runbook.md"),
    "What to do when something breaks: see the README's recipes.\n",
  );
}

function tell(text: string): void {
  process.stdout.write(`\n${text}\n\n`);
}
