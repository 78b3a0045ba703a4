import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import { encodeManifest, type Manifest } from "../../src/artifact/manifest.js";
import type { DrConfig, DrUserConfig } from "../../src/config/types.js";
import type { Json } from "../../src/core/canonical-json.js";
import type { Hex } from "../../src/core/hex.js";
import type { Engine } from "../../src/database/engine.js";
import type { DrillReport } from "../../src/drill/report.js";
import { openStorage } from "../../src/offsite/open-storage.js";
import type {
  CurrentContract,
  CurrentContracts,
} from "../../src/readiness/contracts.js";
import type { ReadinessItem } from "../../src/readiness/item.js";
import {
  assessReadiness,
  type Readiness,
} from "../../src/readiness/readiness.js";
import { configOf } from "../database/config-of.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { sampleReport } from "../drill/sample-report.js";

export const NOW = new Date("2024-02-01T00:00:00Z");
export const SCHEMA = "cd".repeat(32);
export const CODE: Hex = `0x${"ab".repeat(32)}`;
const DAY_MS = 86_400_000;

const OWNER: Json = {
  mechanism: { kind: "owner", getter: "owner" },
  holders: [{ kind: "eoa", address: `0x${"11".repeat(20)}` }],
  confirmed: true,
};

/** As the chain has it. */
export const PROFILE: CurrentContract = {
  name: "SkillProfile",
  proxy: `0x${"22".repeat(20)}`,
  codeHash: CODE,
  pauseAuthority: OWNER,
  upgradeAuthority: OWNER,
  canPause: true,
  canUpgrade: true,
  isSafeAtOnce: false,
  hasPrevious: true,
};

/** A project of which only the files are there. */
export class ReadinessScene {
  readonly #folder = useTemporaryFolder();
  dr: DrUserConfig = {};
  contracts: readonly CurrentContract[] | undefined;
  engine: Pick<Engine, "listKept"> = {};

  constructor() {
    beforeEach(() => {
      this.dr = {};
      this.contracts = undefined;
      this.engine = {};
    });
  }

  get root(): string {
    return this.#folder.path;
  }

  get config(): DrConfig {
    return configOf("postgres://127.0.0.1:1/takumi", this.root, this.dr);
  }

  /** @param text - Or what is to be JSON. */
  async write(path: string, text: unknown): Promise<string> {
    const file = join(this.root, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(
      file,
      typeof text === "string" ? text : JSON.stringify(text),
    );
    return file;
  }

  async drill(values: Partial<DrillReport> = {}): Promise<string> {
    const report = sampleReport(values);
    const stamp = report.drillId.replace("DR_DRILL_", "");
    const path = `logs/dr-drills/dr_drill_report_${stamp}.json`;
    return await this.write(path, report);
  }

  /** A backup of the database, but for what is in it. */
  async backup(
    stamp: string,
    schema: string | undefined,
    folder = "backups/database",
  ): Promise<string> {
    const artifact = `takumi_db_${stamp}.sql.zst`;
    const extent = { sizeBytes: 3, sha256: "00".repeat(32) };
    const manifest: Manifest = {
      artifact,
      kind: "database",
      createdAt: "2024-01-15T14:00:00.000Z",
      tool: "hardhat-dr 0.1.0",
      plain: extent,
      stored: extent,
      compression: "zstd",
      contents: schema === undefined ? {} : { fingerprint: { schema } },
      recoveryPoint: null,
    };
    await this.write(`${folder}/${artifact}`, "abc");
    await this.write(
      `${folder}/${artifact}.manifest.json`,
      encodeManifest(manifest),
    );
    return artifact;
  }

  /** @param compact - `20240116T000000Z` */
  async proof(
    artifact: string,
    compact: string,
    values: object = {},
    folder = "backups/database",
  ): Promise<string> {
    const provenAt = compact.replace(
      /(....)(..)(..)T(..)(..)(..)Z/,
      "$1-$2-$3T$4:$5:$6Z",
    );
    return await this.write(`${folder}/${artifact}.proven.${compact}.json`, {
      key: artifact,
      provenAt,
      how: { restored: true, by: "dr:db:verify", seconds: 1.5 },
      ...values,
    });
  }

  async assess(maxAgeDays = 90): Promise<Readiness> {
    const { contracts } = this;
    return await assessReadiness(
      {
        config: this.config,
        network: "mainnet",
        folder: join(this.root, "deployments/mainnet"),
        clock: { now: () => NOW },
        ...(contracts === undefined
          ? {}
          : {
              readContracts: async (): Promise<CurrentContracts> =>
                await Promise.resolve({ chainId: 1, block: 7n, contracts }),
            }),
        engine: this.engine,
        openTarget: openStorage,
      },
      maxAgeDays * DAY_MS,
    );
  }

  async procedure(name: string, maxAgeDays?: number): Promise<ReadinessItem> {
    const { items } = await this.assess(maxAgeDays);
    return items.find(
      ({ subject }) =>
        subject.type === "procedure" && subject.procedure === name,
    )!;
  }

  async backups(
    kind: string,
    target?: string,
    maxAgeDays?: number,
  ): Promise<ReadinessItem> {
    const { items } = await this.assess(maxAgeDays);
    return items.find(
      ({ subject }) =>
        subject.type === "backup" &&
        subject.kind === kind &&
        subject.target === target,
    )!;
  }
}
