import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";

import type { DrUserConfig } from "../../src/config/types.js";
import { withCsv } from "../../src/database/recover/csv.js";
import { RestoreScene } from "../database/restore-scene.js";
import { errorOf } from "../offsite/describe-storage.js";
import { openProject } from "./project.js";

interface RecoverJson {
  readonly status?: string;
  readonly tables?: readonly {
    readonly table: string;
    readonly counts: Readonly<Record<string, number>>;
  }[];
  readonly leftOut?: { readonly erased: number; readonly orphans: number };
  readonly error?: { readonly code: string; readonly message: string };
}

describe("dr:db:recover", function () {
  this.timeout(60_000);
  const scene = new RestoreScene();
  let hre: HardhatRuntimeEnvironment;
  let projects = 0;

  beforeEach(async () => {
    await scene.create(42);
    await open();
  });

  afterEach(() => {
    process.exitCode = undefined;
    scene.drop();
  });

  async function open(database: DrUserConfig["database"] = {}): Promise<void> {
    projects += 1;
    hre = await openProject(join(scene.folder, `project${String(projects)}`), {
      dr: {
        project: "takumi",
        paths: { backups: join(scene.folder, "backups") },
        database: { url: scene.cluster.url("takumi"), ...database },
        encryption: { keyFile: scene.keyFile },
      },
    });
  }

  async function recover(
    options: Readonly<Record<string, unknown>> = {},
  ): Promise<RecoverJson> {
    process.exitCode = undefined;
    return (await hre.tasks
      .getTask("dr:db:recover")
      .run({ json: true, table: "profiles", ...options })) as RecoverJson;
  }

  const deleteSome = () => {
    scene.psql(
      "DELETE FROM endorsements WHERE profile <= 3; DELETE FROM profiles WHERE id <= 3",
    );
  };

  it("shows what was deleted since the newest backup, and brings it back when told", async () => {
    await scene.backUp();
    deleteSome();
    const csv = join(scene.folder, "rows.csv");
    const shown = await recover({ csv });
    expect(shown.status).to.equal("planned");
    expect(shown.tables?.[0]).to.deep.include({ table: "profiles" });
    expect(process.exitCode).to.equal(0);
    const lines = (await readFile(csv, "utf8")).split("\n");
    expect(lines.slice(0, 2)).to.deep.equal([
      "table,why,key,column,old,live",
      '"profiles","missing","1","id","1",',
    ]);
    expect((await stat(csv)).mode & 0o777).to.equal(0o600);
    expect(scene.liveRows()).to.equal("39");
    expect((await recover({ apply: true, yes: true })).status).to.equal("done");
    expect(scene.liveRows()).to.equal("42");
    expect((await recover({ apply: true, yes: true })).status).to.equal(
      "nothing-to-do",
    );
    expect(scene.databases()).to.deep.equal(["takumi"]);
  });

  it("replaces no file with its CSV, neither one that is there nor one made meanwhile", async () => {
    await scene.backUp();
    deleteSome();
    const csv = join(scene.folder, "rows.csv");
    await writeFile(csv, "another night's\n");
    const options = { csv, apply: true, yes: true };
    expect((await recover(options)).error?.code).to.equal("RECOVER_CSV_EXISTS");
    expect(process.exitCode).to.equal(3);
    expect(await readFile(csv, "utf8")).to.equal("another night's\n");
    const late = join(scene.folder, "late.csv");
    const error = await errorOf(
      withCsv(late, async ({ finish }) => {
        await writeFile(late, "somebody else's\n");
        await finish();
      }),
    );
    expect(error.code).to.equal("RECOVER_CSV_EXISTS");
    expect(await readFile(late, "utf8")).to.equal("somebody else's\n");
    expect(scene.liveRows()).to.equal("39");
    const left = (await readdir(scene.folder)).filter((name) =>
      name.endsWith(".tmp"),
    );
    expect(left).to.deep.equal([]);
  });

  it("says why nothing can be restored beside where transactions only read", async () => {
    await scene.backUp();
    const user = scene.cluster.access().user;
    scene.cluster.psql(
      `ALTER ROLE ${user} SET default_transaction_read_only = on`,
    );
    try {
      const refused = await recover();
      expect(refused.error?.code).to.equal("DATABASE_UNFIT");
      expect(refused.error?.message).to.include(
        "default_transaction_read_only",
      );
      expect(process.exitCode).to.equal(3);
    } finally {
      scene.cluster.psql(
        `BEGIN READ WRITE; ALTER ROLE ${user} RESET default_transaction_read_only; COMMIT`,
      );
    }
  });

  it("takes another database of the server, and leaves out what was erased", async () => {
    scene.cluster.psql("CREATE DATABASE before TEMPLATE takumi");
    try {
      deleteSome();
      await open({ erased: { profiles: { file: "erased.txt" } } });
      await writeFile(join(hre.config.paths.root, "erased.txt"), "2\n77\n");
      const fromDatabase = "before";
      const done = await recover({ fromDatabase, apply: true, yes: true });
      expect(done.leftOut?.erased).to.equal(1);
      expect(scene.liveRows()).to.equal("41");
      await open({ erased: { profiles: { file: "nowhere.txt" } } });
      const refused = await recover({ fromDatabase });
      expect(refused.error?.code).to.equal("RECOVER_ERASED_INVALID");
      await open();
      for (const vain of [
        { fromDatabase: "takumi" },
        { fromDatabase, from: "latest" },
        { fromDatabase, before: "2024-01-15T14:00:00Z" },
      ]) {
        expect((await recover(vain)).error?.code).to.equal("OPTION_INVALID");
      }
    } finally {
      scene.cluster.psql("DROP DATABASE before");
    }
  });

  it("isn't done unasked, nor without a table or a backup", async () => {
    expect((await recover({ apply: true })).error?.code).to.equal(
      "NO_TERMINAL",
    );
    expect((await recover({ table: undefined })).error?.code).to.equal(
      "OPTION_INVALID",
    );
    expect((await recover()).error?.code).to.equal("ARTIFACT_MISSING");
    expect((await recover({ fromDatabase: "nowhere" })).error?.code).to.equal(
      "DATABASE_MISSING",
    );
    expect(process.exitCode).to.equal(3);
  });
});
