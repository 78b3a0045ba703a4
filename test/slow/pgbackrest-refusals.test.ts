import { readFileSync, readdirSync, statSync } from "node:fs";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { spawnSync } from "node:child_process";
import { join } from "node:path";

import { expect } from "chai";

import { identityOf } from "../../src/database/pgbackrest/identity.js";
import { readStanza } from "../../src/database/pgbackrest/repository.js";
import { requireSwapFit } from "../../src/database/pgbackrest/requirements.js";
import { openSettings } from "../../src/database/pgbackrest/settings.js";
import { withPrivateServer } from "../../src/database/pgbackrest/private-server.js";
import { serverPrograms } from "../helpers/postgres.js";
import { codeOf, errorOf } from "../offsite/describe-storage.js";
import {
  CHOICES,
  giveAway,
  usePgbackrest,
  WORK,
} from "../database/pgbackrest-scene.js";

describe("database/pgbackrest, when something is wrong", function () {
  this.timeout(120_000);
  const held = usePgbackrest();
  const psql = (sql: string) => held.scene.psql(sql);
  let started = "";
  let label = "";

  before(async () => {
    const { artifact } = await held.scene.backUp({ type: "full" });
    const { contents } = artifact!.manifest;
    label = (contents as { backup: { label: string } }).backup.label;
    started = serverStart();
  });

  function serverStart(): string {
    return psql("SELECT pg_postmaster_start_time()");
  }

  /** The live server was never stopped, and nothing lies beside its folder. */
  async function expectUntouched(): Promise<void> {
    expect(serverStart()).to.equal(started);
    expect(psql("SELECT count(*) FROM profiles")).to.equal("1000");
    expect(await held.scene.beside()).to.deep.equal([]);
  }

  it("refuses moments that nothing leads to", async () => {
    const { scene } = held;
    const at = (time: Date) =>
      codeOf(scene.find({ target: { kind: "time", time } }));
    const lsn = (lsn: string) =>
      codeOf(scene.find({ target: { kind: "lsn", lsn } }));
    const outside = "PGBACKREST_TARGET_OUTSIDE";
    expect(await at(new Date("2020-01-01"))).to.equal(outside);
    expect(await at(new Date(Date.now() + 3_600_000))).to.equal(outside);
    expect(await lsn("0/100")).to.equal(outside);
    expect(await lsn("FF/0")).to.equal(outside);
    await expectUntouched();
  });

  /** A configuration with a repository in a store that doesn't answer. @returns its file. */
  async function withUnreachable(
    name: string,
    change: (usual: string, store: string) => string,
    key: number,
  ): Promise<string> {
    const { folder } = held.scene;
    const usual = await readFile(join(folder, "pgbackrest.conf"), "utf8");
    const store = [
      "type=s3",
      "path=/repo",
      "s3-bucket=bucket",
      "s3-endpoint=localhost",
      "s3-uri-style=path",
      "storage-port=1",
      "s3-region=us-east-1",
      "s3-key=key",
      "s3-key-secret=only a test has this secret",
    ].map((line) => `repo${String(key)}-${line}`);
    const file = join(folder, name);
    await writeFile(file, change(usual, [...store, "io-timeout=1"].join("\n")));
    giveAway(file);
    return file;
  }

  it("says why a repository can't be read, and nothing of making it anew", async () => {
    const configFile = await withUnreachable(
      "unreachable.conf",
      (usual, store) => usual.replace(/repo1-path=.*/, store),
      1,
    );
    const error = await errorOf(held.scene.find({}, { configFile }));
    expect(error.code).to.equal("PGBACKREST_UNFIT");
    expect(error.message).to.match(/repo1: .*unable to/);
    expect(error.message).to.not.match(/stanza-create|only a test/);
  });

  it("restores from the repository that is left, and says that another isn't", async () => {
    const { scene } = held;
    const configFile = await withUnreachable(
      "one-left.conf",
      (usual, store) => usual.replace("[global]", `[global]\n${store}`),
      2,
    );
    const found = await scene.find({ what: label }, { configFile });
    const { notices } = await found.prepareRestore(CHOICES);
    expect(notices.join()).to.match(/another one is taken \(repo2: /);
    const { examination } = await found.verify({ ...WORK(), keep: false });
    expect(examination.rows).to.equal("1500");
    const newest = await scene.find({}, { configFile });
    for (const refused of [
      newest.prepareRestore(CHOICES),
      newest.verify({ ...WORK(), keep: false }),
    ]) {
      const error = await errorOf(refused);
      expect(error.code).to.equal("PGBACKREST_UNFIT");
      expect(error.message).to.match(/repo2: .*or stop the server/);
    }
    await expectUntouched();
  });

  it("claims nothing of when the log came to a place", async () => {
    const { scene } = held;
    const lsn = scene.psql("SELECT pg_current_wal_lsn()").trim();
    const found = await scene.find({ target: { kind: "lsn", lsn } });
    expect(found.createdAt).to.equal(undefined);
  });

  it("refuses a target with a backup, or another target, and what a whole server can't do", async () => {
    const { scene } = held;
    const target = { kind: "time", time: new Date() } as const;
    for (const address of [
      { target, what: label },
      { target, before: new Date() },
    ]) {
      expect(await codeOf(scene.find(address))).to.equal("OPTION_INVALID");
    }
    const found = await scene.find();
    for (const choices of [{ into: "other" }, { noOwner: true }]) {
      expect(
        await codeOf(found.prepareRestore({ ...CHOICES, ...choices })),
      ).to.equal("OPTION_INVALID");
    }
  });

  it("says which backups there are when one is asked for that isn't there", async () => {
    const error = await errorOf(
      held.scene.find({ what: "20200101-000000F", purpose: "verify" }),
    );
    expect(error.code).to.equal("PGBACKREST_BACKUP_MISSING");
    expect(error).to.have.property("fix").that.includes(label);
  });

  it("restores a backup by its label, also where nothing is written down of it", async () => {
    const { scene } = held;
    const folder = join(scene.root, "backups");
    await rename(folder, `${folder}.away`);
    const found = await scene.find({ what: label });
    expect(found.fingerprint).to.equal(undefined);
    const { examination } = await found.verify({ ...WORK(), keep: false });
    expect(examination.rows).to.equal("1500");
    const proof = await found.recordProof(new Date(), { restored: true });
    expect(readFileSync(proof, "utf8")).to.include(label);
    await rm(folder, { recursive: true });
    await rename(`${folder}.away`, folder);
    await expectUntouched();
  });

  it("notices a flipped byte in the repository", async () => {
    const { scene } = held;
    const path = largestFile(join(scene.folder, "repo/backup"));
    const bytes = await readFile(path);
    const flipped = Buffer.from(bytes);
    const middle = flipped.length >> 1;
    flipped.writeUInt8(flipped.readUInt8(middle) ^ 0xff, middle);
    await writeFile(path, flipped);
    const error = await errorOf(scene.find({ purpose: "verify" }));
    expect(error.code).to.equal("PGBACKREST_DAMAGED");
    expect(error.message).to.include(label).and.include("checksum invalid: 1");
    expect(await codeOf(scene.restore())).to.equal("DATABASE_TOOL_FAILED");
    await writeFile(path, bytes);
    await expectUntouched();
  });

  it("notices a gap in the log, with and without a target", async () => {
    const { scene } = held;
    psql("CREATE TABLE gap (id int)");
    psql("SELECT pg_switch_wal()");
    scene.pgbackrest("check");
    const at = await scene.moment();
    const segments = scene
      .archived()
      .filter((path) => /[0-9A-F]{24}-/.test(path));
    const missing = segments.at(-2)!;
    await rename(missing, join(scene.folder, "away"));
    for (const address of [
      {},
      { target: { kind: "time", time: at } as const },
    ]) {
      expect(await codeOf(scene.restore(address))).to.equal(
        "PGBACKREST_TARGET_UNREACHED",
      );
      await expectUntouched();
    }
    // A server that doesn't answer sets no mark to replay up to.
    scene.pgCtl("stop");
    expect(await codeOf(scene.restore())).to.equal(
      "PGBACKREST_TARGET_UNREACHED",
    );
    const later = { kind: "time", time: new Date() } as const;
    expect(await codeOf(scene.find({ target: later }))).to.equal(
      "PGBACKREST_TARGET_OUTSIDE",
    );
    await rename(join(scene.folder, "away"), missing);
    scene.pgCtl("start", "--log", join(scene.cluster.folder, "data.log"));
    started = serverStart();
    await expectUntouched();
  });

  it("refuses a stanza that isn't there, and one of another server", async () => {
    const { scene } = held;
    expect(await codeOf(scene.find({}, { stanza: "nobody" }))).to.equal(
      "PGBACKREST_UNFIT",
    );
    const other = join(scene.cluster.folder, "other");
    run("initdb", "--no-sync", "--pgdata", other);
    const own = ["--stanza=other", `--pg1-path=${other}`, "--no-online"];
    scene.pgbackrest("stanza-create", ...own);
    scene.pgbackrest("backup", ...own);
    const more = { stanza: "other" };
    expect(await codeOf(scene.find({}, more))).to.equal(
      "PGBACKREST_TARGET_OUTSIDE",
    );
    const backingUp = await errorOf(scene.backUp({}, more));
    expect(backingUp.code).to.equal("PGBACKREST_UNFIT");
    expect(backingUp.message).to.include("of another server");
    const settings = await openSettings(scene.config());
    const stanza = await readStanza(settings, label);
    const restoring = await errorOf(
      requireSwapFit({
        settings,
        stanza: {
          ...stanza,
          db: stanza.db.map((one) => ({ ...one, "system-id": "1" })),
        },
        backup: stanza.backup[0]!,
        live: undefined,
      }),
    );
    expect(restoring.code).to.equal("PGBACKREST_UNFIT");
    expect(restoring.message).to.include("of another server");
    await rm(other, { recursive: true });
    await expectUntouched();
  });

  it("refuses to restore while another server answers in its place", async () => {
    const { scene } = held;
    const moved = `${scene.dataFolder}.moved`;
    await mkdir(moved);
    giveAway(moved);
    const found = await scene.find({}, { dataFolder: moved });
    const error = await errorOf(found.prepareRestore(CHOICES));
    expect(error.code).to.equal("PGBACKREST_UNFIT");
    expect(error.message).to.include("dataFolder");
    await rm(moved, { recursive: true });
  });

  it("moves nothing while the server doesn't stop", async () => {
    const { scene } = held;
    const at = await scene.moment();
    const address = { target: { kind: "time", time: at } as const };
    const never = { stop: ["true"], timeoutSeconds: 0.2 };
    expect(await codeOf(scene.restore(address, never))).to.equal(
      "PGBACKREST_STILL_RUNS",
    );
    expect(serverStart()).to.equal(started);
    // What was proven is kept.
    expect(await scene.beside()).to.deep.equal(["data.restore"]);
    const restored = await scene.restore(address);
    expect(restored.examination).to.equal(undefined);
    expect(restored.aside).to.be.a("string");
    await rm(restored.aside!, { recursive: true });
    started = serverStart();
  });

  it("puts the old server back when the restored one doesn't start", async () => {
    const { scene } = held;
    const script = join(scene.folder, "start.sh");
    const pgCtl = join(serverPrograms() ?? "", "pg_ctl");
    const { dataFolder } = scene;
    // Only the old folder has the mark.
    await writeFile(join(dataFolder, "mark"), "");
    await writeFile(
      script,
      `test -e ${dataFolder}/mark && exec setpriv --reuid=$(stat -c %u ${dataFolder}) --regid=$(stat -c %g ${dataFolder}) --clear-groups ${pgCtl} start --wait --silent --pgdata ${dataFolder} --log ${dataFolder}.log`,
    );
    psql("CREATE TABLE IF NOT EXISTS gap (id int); INSERT INTO gap VALUES (7)");
    const more = { start: ["sh", script], timeoutSeconds: 5 };
    const error = await errorOf(scene.restore({ what: label }, more));
    expect(error.code).to.equal("PGBACKREST_SWAP_UNDONE");
    expect(psql("SELECT count(*) FROM gap WHERE id = 7")).to.equal("1");
    expect(await scene.beside()).to.deep.equal(["data.restore"]);

    const stuck = { start: ["false"], timeoutSeconds: 1 };
    expect(await codeOf(scene.restore({ what: label }, stuck))).to.equal(
      "PGBACKREST_STUCK",
    );
    await rm(join(dataFolder, "mark"));
    await scene.restore({ what: label });
    expect(psql("SELECT count(*) FROM profiles")).to.equal("1000");
    const engine = await scene.engine();
    await engine.undo(WORK().clock);
    expect(psql("SELECT count(*) FROM gap WHERE id = 7")).to.equal("1");
    for (const name of await scene.beside()) {
      await rm(join(scene.cluster.folder, name), { recursive: true });
    }
    started = serverStart();
  });

  it("has nothing to undo where nothing was put aside", async () => {
    const engine = await held.scene.engine();
    expect(await codeOf(engine.prepareUndo())).to.equal(
      "PGBACKREST_NOTHING_TO_UNDO",
    );
    expect(await codeOf(engine.undo(WORK().clock))).to.equal(
      "PGBACKREST_NOTHING_TO_UNDO",
    );
    await expectUntouched();
  });

  it("touches nothing where what a broken-off restore wrote can't be read", async () => {
    const { scene } = held;
    const folder = `${scene.dataFolder}.restore`;
    await mkdir(folder);
    await writeFile(join(folder, "restore.json"), "{");
    expect(await codeOf(scene.restore())).to.equal(
      "PGBACKREST_RECORD_UNREADABLE",
    );
    await rm(folder, { recursive: true });
    await expectUntouched();
  });

  it("says what the server says that can't be started on what was restored", async () => {
    const { scene } = held;
    const folder = join(scene.cluster.folder, "nothing");
    await mkdir(folder, { mode: 0o700 });
    giveAway(folder);
    const error = await errorOf(
      withPrivateServer(
        {
          ...WORK(),
          dataFolder: folder,
          runFolder: join(folder, "run"),
          programs: serverPrograms() ?? "",
          major: 15,
          identity: await identityOf(folder),
          access: scene.cluster.access("takumi"),
          control: {
            systemIdentifier: "1",
            timeline: 1,
            state: "shut down",
            hasChecksums: false,
            maxPreparedTransactions: "0",
            maxLocksPerTransaction: "64",
          },
        },
        async () => {
          await Promise.resolve();
        },
      ),
    );
    expect(error.code).to.equal("PGBACKREST_SERVER_FAILED");
    expect(error.message).to.include("not a valid data directory");
    await rm(folder, { recursive: true });
  });

  it("refuses what isn't configured, isn't installed, or isn't ours", async () => {
    const { scene } = held;
    const { database, ...config } = scene.config();
    const { openEngine } = await import("../../src/database/open-engine.js");
    const { pgbackrest, ...bare } = database!;
    expect(pgbackrest?.stanza).to.equal("takumi");
    const engine = await openEngine({ ...config, database: bare }, scene.root);
    expect(await codeOf(engine.prepareUndo())).to.equal(
      "PGBACKREST_NOT_CONFIGURED",
    );
    const { PATH } = process.env;
    process.env.PATH = scene.root;
    const missing = await codeOf(scene.find());
    process.env.PATH = PATH;
    expect(missing).to.equal("PGBACKREST_MISSING");
    if (process.getuid?.() === 0) {
      process.seteuid!(65_533);
      const foreign = await codeOf(identityOf("/"));
      process.seteuid!(0);
      expect(foreign).to.equal("PGBACKREST_FOREIGN");
    }
  });

  it("shows no secret of a repository", async () => {
    process.env.PGBACKREST_REPO1_CIPHER_TYPE = "aes-256-cbc";
    process.env.PGBACKREST_REPO1_CIPHER_PASS = "very-secret";
    const error = await errorOf(held.scene.find());
    delete process.env.PGBACKREST_REPO1_CIPHER_TYPE;
    delete process.env.PGBACKREST_REPO1_CIPHER_PASS;
    expect(JSON.stringify([error, error.message])).to.not.include(
      "very-secret",
    );
  });

  it("refuses a server whose data lies in several places", async () => {
    const { scene } = held;
    const place = join(scene.folder, "space");
    await mkdir(place);
    giveAway(place);
    scene.cluster.psql(`CREATE TABLESPACE elsewhere LOCATION '${place}'`);
    await scene.backUp({ type: "incr" });
    const found = await scene.find();
    const error = await errorOf(found.prepareRestore(CHOICES));
    expect(error.code).to.equal("PGBACKREST_UNFIT");
    expect(error.message).to.include("elsewhere");
    scene.cluster.psql("DROP TABLESPACE elsewhere");
  });

  it("calls a backup bad whose pages were bad already", async () => {
    const { scene } = held;
    psql("CREATE TABLE pages AS SELECT g FROM generate_series(1, 1000) g");
    const path = join(
      scene.dataFolder,
      psql("SELECT pg_relation_filepath('pages')"),
    );
    scene.pgCtl("stop");
    run("pg_checksums", "--enable", "--no-sync", "--pgdata", scene.dataFolder);
    const bytes = await readFile(path);
    bytes.writeUInt8(bytes.readUInt8(4000) ^ 0xff, 4000);
    await writeFile(path, bytes);
    scene.pgCtl("start", "--log", `${scene.dataFolder}.log`);
    const error = await errorOf(scene.backUp({ type: "full" }));
    expect(error.code).to.equal("PGBACKREST_DAMAGED");
    expect(error.message).to.include("bad checksums");
  });
});

function run(name: string, ...args: readonly string[]): void {
  const { status, stderr } = spawnSync(
    join(serverPrograms() ?? "", name),
    args,
    {
      cwd: "/",
      encoding: "utf8",
      ...(process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}),
    },
  );
  expect(status, stderr).to.equal(0);
}

function largestFile(folder: string): string {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((path) => join(folder, path))
    .filter((path) => statSync(path).isFile())
    .toSorted((a, b) => statSync(a).size - statSync(b).size)
    .at(-1)!;
}
