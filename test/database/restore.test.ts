import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";

import { expect } from "chai";

import { writeArtifact } from "../../src/artifact/write-artifact.js";
import type { Json } from "../../src/core/canonical-json.js";
import { systemClock } from "../../src/core/clock.js";
import { DrError } from "../../src/core/errors.js";
import { UNWATCHED } from "../../src/core/meter.js";
import {
  claimDatabase,
  withMaintenance,
} from "../../src/database/maintenance.js";
import {
  prepareDatabaseRestore,
  restoreDatabase,
} from "../../src/database/restore.js";
import type { Dump } from "../../src/database/restore-source.js";
import { undoRestore } from "../../src/database/restore-undo.js";
import { closeSession, openSession } from "../../src/database/session.js";
import { verifyBackup } from "../../src/database/verify.js";
import { runKilled, startWorker } from "../helpers/killed-worker.js";
import { SmallDisk } from "../helpers/small-disk.js";
import { codeOf, errorOf } from "../offsite/describe-storage.js";
import { RestoreScene } from "./restore-scene.js";

const WORKER = join(import.meta.dirname, "restore-worker.ts");
const EVERYTHING = join(
  import.meta.dirname,
  "../fixtures/database/everything.sql",
);
const UNSIGNED = { backup: { compression: "gzip" as const } };

describe("restoring a database", function () {
  this.timeout(60_000);
  const scene = new RestoreScene("max_prepared_transactions = 5");

  beforeEach(async () => {
    await scene.create();
  });

  afterEach(() => {
    scene.drop();
  });

  /** The live one is what it was, and nothing else is there. */
  async function expectUntouched(rows = "1000"): Promise<void> {
    expect(scene.databases()).to.deep.equal(["takumi"]);
    expect(scene.liveRows()).to.equal(rows);
    expect(await scene.leftFiles()).to.deep.equal([]);
  }

  for (const [format, jobs] of [
    ["custom", 1],
    ["custom", 2],
    ["directory", 2],
    ["plain", 1],
  ] as const) {
    it(`brings back what was there, from ${format} with ${String(jobs)} at a time`, async () => {
      const path = await scene.backUp(format);
      scene.harm();
      const { aside, examination } = await scene.restore(path, { jobs });
      expect(scene.liveRows()).to.equal("1000");
      expect(scene.psql("SELECT nextval('public.profiles_id_seq')")).to.equal(
        "1001",
      );
      expect(aside).to.match(/^takumi_before_\d{8}_\d{6}$/);
      expect(scene.psql("SELECT count(*) FROM profiles", aside)).to.equal("0");
      expect(scene.databases()).to.deep.equal(["takumi", aside]);
      expect(examination).to.deep.include({
        problems: [],
        notices: [],
        tables: 2,
        rows: "2000",
      });
      expect(await scene.leftFiles()).to.deep.equal([]);
    });
  }

  for (const format of ["custom", "plain", "directory"] as const) {
    it(`brings back all that a database can hold, from ${format}`, async () => {
      scene.psql("DROP TABLE endorsements, profiles");
      scene.psql(await readFile(EVERYTHING, "utf8"));
      try {
        const path = await scene.backUp(format);
        const { aside, examination } = await scene.restore(path, {
          jobs: format === "plain" ? 1 : 2,
          criticalTables: ["Mixed Case.Order", "log", "events"],
        });
        expect(examination?.problems).to.deep.equal([]);
        expect(scene.databases()).to.deep.equal(["takumi", aside]);
      } finally {
        scene.drop();
        scene.psql(
          'DROP ROLE IF EXISTS "App Owner"; DROP ROLE IF EXISTS dr_reader',
          "postgres",
        );
      }
    });
  }

  it("tells beforehand whose backup it is, and what no dump holds", async () => {
    scene.psql(
      `ALTER DATABASE takumi SET "app.jwt_secret" = 'hush';
       ALTER DATABASE takumi SET search_path = app, public;
       ALTER ROLE dr_owner IN DATABASE takumi SET work_mem = '8MB';
       ALTER DATABASE takumi CONNECTION LIMIT 20;
       REVOKE CONNECT ON DATABASE takumi FROM PUBLIC`,
    );
    const { settings, ...dump } = await scene.find(await scene.backUp());
    const told = async (
      more: Parameters<typeof scene.options>[0],
      one: Dump = dump,
    ) => {
      const options = scene.options(more);
      const { notices } = await prepareDatabaseRestore(one, options);
      return notices.join(" ");
    };
    const complete = { ...dump, settings: settings! };
    expect(await told({}, complete)).not.to.match(/anew|what it had|_secret/);
    expect(await told({ into: "beside" }, complete)).to.include(
      "beside gets what it had: owner dr_owner; connection limit 20; CONNECT of dr_owner; CREATE of dr_owner; TEMPORARY of dr_owner; TEMPORARY of PUBLIC; work_mem = 8MB for dr_owner; search_path = app, public.",
    );
    expect(await told({ into: "beside", noOwner: true }, complete)).to.include(
      "owner dr_owner; connection limit 20; work_mem",
    );
    expect(await told({ into: "beside" }, complete)).to.match(
      /^(?!.*made anew).*setting app\.jwt_secret .* set it again/,
    );
    const { access } = scene;
    const elsewhere = { ...access, database: "shop" };
    expect(await told({})).not.to.match(/is made anew|is a backup of/);
    expect(await told({ into: "beside" })).to.include("beside is made anew");
    expect(await told({ access: elsewhere })).to.include(
      "It is a backup of the database takumi, not of shop. shop is made anew",
    );
  });

  it("is undone, and that too", async () => {
    const path = await scene.backUp();
    scene.harm();
    await scene.restore(path);
    await undoRestore(scene.options());
    expect(scene.liveRows()).to.equal("0");
    await undoRestore(scene.options());
    expect(scene.liveRows()).to.equal("1000");
    expect(scene.databases()).to.have.length(2);
  });

  it("tells beforehand what earlier ones have put aside, and how large it is", async () => {
    const path = await scene.backUp();
    const { aside = "" } = await scene.restore(path);
    const dump = await scene.find(path);
    const { notices } = await prepareDatabaseRestore(dump, scene.options());
    expect(notices.join(" ")).to.match(
      new RegExp(`Earlier restores put aside ${aside} \\(\\d+ MB\\): drop`),
    );
    const beside = scene.options({ into: "beside" });
    const others = await prepareDatabaseRestore(dump, beside);
    expect(others.notices.join(" ")).not.to.include("aside");
  });

  it("leaves it beside, when asked for", async () => {
    const path = await scene.backUp();
    scene.harm();
    await scene.restore(path, { into: "beside" });
    expect(scene.liveRows()).to.equal("0");
    expect(scene.psql("SELECT count(*) FROM profiles", "beside")).to.equal(
      "1000",
    );
    expect(
      scene.psql(
        "SELECT shobj_description(oid, 'pg_database') IS NULL FROM pg_database WHERE datname = 'beside'",
      ),
    ).to.equal("t");
    expect(await codeOf(scene.restore(path, { into: "beside" }))).to.equal(
      "DATABASE_EXISTS",
    );
    expect(scene.databases()).to.deep.equal(["beside", "takumi"]);
  });

  it("works where the live one is gone", async () => {
    const path = await scene.backUp();
    scene.psql("DROP DATABASE takumi", "postgres");
    expect(await scene.restore(path)).not.to.have.property("aside");
    await expectUntouched();
  });

  /** What is the database's own, as the catalogue has it. */
  const ownOf = (name: string) =>
    scene.psql(
      `SELECT datconnlimit, shobj_description(d.oid, 'pg_database'), datdba::regrole,
        (SELECT array_agg(a ORDER BY a::text) FROM unnest(datacl) a),
        (SELECT array_agg(format('%s: %s', s.setrole::regrole, s.setconfig) ORDER BY s.setrole)
          FROM pg_db_role_setting s WHERE s.setdatabase = d.oid)
       FROM pg_database d WHERE datname = '${name}'`,
      "postgres",
    );

  it("brings back what the database itself has where no other is there to take it from", async () => {
    scene.psql(`
      CREATE ROLE guest; CREATE ROLE keeper;
      ALTER DATABASE takumi SET search_path = "My App", public;
      ALTER DATABASE takumi SET TimeZone = 'Asia/Tokyo';
      ALTER ROLE guest IN DATABASE takumi SET statement_timeout = '5s';
      ALTER DATABASE takumi CONNECTION LIMIT 17;
      COMMENT ON DATABASE takumi IS 'it''s the real one';
      ALTER DATABASE takumi OWNER TO keeper;
      REVOKE ALL ON DATABASE takumi FROM PUBLIC;
      GRANT CONNECT ON DATABASE takumi TO guest WITH GRANT OPTION`);
    const own = ownOf("takumi");
    expect(own).to.match(/^17\|it's the real one\|keeper\|.*Asia\/Tokyo/);
    scene.psql(`ALTER DATABASE takumi SET "app.jwt_secret" = 'hush'`);
    const path = await scene.backUp();
    expect(await readFile(`${path}.manifest.json`, "utf8")).not.to.include(
      "hush",
    );
    expect(await scene.restore(path, { into: "beside" })).to.have.deep.property(
      "missing",
      [],
    );
    expect(ownOf("beside")).to.equal(own);
    scene.psql("DROP DATABASE takumi", "postgres");
    await scene.restore(path);
    expect(ownOf("takumi")).to.equal(own);
    scene.drop();
    const { missing } = await scene.restore(path, { noOwner: true });
    expect(missing).to.deep.equal([]);
    expect(ownOf("takumi")).to.match(/^17\|it's the real one\|dr_owner\|\|/);
    scene.drop();
    scene.psql("DROP ROLE guest", "postgres");
    const left = await scene.restore(path);
    expect(left.missing).to.have.length(2);
    expect(left.missing!.join()).to.match(
      /GRANT CONNECT ON DATABASE .* TO "?guest"?.*ALTER ROLE "?guest"? IN DATABASE/,
    );
    expect(ownOf("takumi")).to.match(/^17\|it's the real one\|keeper\|/);
    scene.drop();
    scene.psql("DROP ROLE keeper", "postgres");
  });

  describe("from the old scripts' files", () => {
    const accepted = { acceptUnauthenticated: true };
    const lines: Readonly<Record<string, string>> = {
      "takumi_db_20240115_140000.sql": "pg_dump takumi",
      "takumi_db_20240115_140000.sql.gz": "pg_dump takumi | gzip",
      "takumi_db_20240115_140000.sql.gz.enc":
        "pg_dump takumi | gzip | openssl enc -aes-256-cbc -salt -pbkdf2 -pass file:$KEY",
    };

    for (const [name, line] of Object.entries(lines)) {
      it(`restores ${name}`, async () => {
        const path = await scene.dumpByHand(line, name);
        scene.harm();
        expect(await codeOf(scene.restore(path))).to.equal(
          "ARTIFACT_UNAUTHENTICATED",
        );
        await scene.restore(path, accepted);
        expect(scene.liveRows()).to.equal("1000");
      });
    }

    it("says what to do with one that isn't SQL", async () => {
      const path = await scene.dumpByHand(
        "pg_dump -Fc takumi",
        "takumi_db_20240115_140000.sql",
      );
      const error = await errorOf(scene.restore(path, accepted));
      expect(error.code).to.equal("ARTIFACT_NOT_OPENED");
      expect(error.message).to.include("`pg_restore -f takumi_db");
    });

    it("notices one that was cut off between two rows, which psql wouldn't", async () => {
      const path = await scene.dumpByHand(
        "pg_dump --data-only -t endorsements takumi",
        "takumi_db_20240115_140000.sql",
      );
      const text = await readFile(path, "utf8");
      await truncate(path, text.indexOf("\n700\t") + 1);
      expect(
        await codeOf(scene.restore(path, { ...accepted, criticalTables: [] })),
      ).to.equal("DATABASE_DUMP_CUT");
      await expectUntouched();
    });

    for (const [filter, said] of [
      ["sed /restrict/d", "backslash commands are restricted"],
      // Its own key lifts nothing.
      ["cat", "unrestrict: wrong key"],
    ]) {
      it(`carries out SQL and nothing else (${said})`, async () => {
        const evil = join(scene.folder, "evil");
        const path = await scene.dumpByHand(
          `(pg_dump takumi | ${filter}; echo '\\! touch ${evil}'; echo '\\connect takumi'; echo 'DROP TABLE profiles CASCADE;'; echo '-- PostgreSQL database dump complete')`,
          "takumi_db_20240115_140000.sql",
        );
        const error = await errorOf(scene.restore(path, accepted));
        expect(error.message).to.include(said);
        expect(existsSync(evil)).to.be.false;
        await expectUntouched();
      });
    }

    it("never creates or drops the live one, though the dump says so", async () => {
      const path = await scene.dumpByHand(
        "pg_dump --create --clean takumi",
        "takumi_db_20240115_140000.sql",
      );
      expect(await codeOf(scene.restore(path, accepted))).to.equal(
        "DATABASE_TOOL_FAILED",
      );
      await expectUntouched();
    });

    it("examines what it can", async () => {
      const path = await scene.dumpByHand(
        "echo 'CREATE TABLE profiles (id serial); INSERT INTO profiles VALUES (5);'",
        "takumi_db_20240115_140000.sql",
      );
      const error = await errorOf(
        scene.restore(path, {
          ...accepted,
          criticalTables: ["profiles", "app.claims"],
        }),
      );
      expect(error.code).to.equal("DATABASE_RESTORED_WRONG");
      expect(error.message).to.include("app.claims is missing");
      expect(error.message).to.include("public.profiles_id_seq is at 1");
      await expectUntouched();
    });
  });

  describe("nothing is touched", () => {
    it("when it isn't what was backed up; it is kept when asked for", async () => {
      const path = await scene.backUp();
      const dump = await scene.find(path);
      const wrong = {
        ...dump,
        fingerprint: {
          ...dump.fingerprint!,
          tables: dump.fingerprint!.tables.map((table) => ({
            ...table,
            hash: "1",
          })),
        },
      };
      const attempt = async (keep: boolean) =>
        await errorOf(restoreDatabase(wrong, scene.options({ keep })));
      const error = await attempt(false);
      expect(error.code).to.equal("DATABASE_RESTORED_WRONG");
      expect(error.message).to.include("public.profiles holds something else");
      await expectUntouched();
      const { fix } = await attempt(true);
      const [kept = ""] = /takumi_restore_\d{8}_\d{6}/.exec(fix) ?? [];
      expect(scene.psql("SELECT count(*) FROM profiles", kept)).to.equal(
        "1000",
      );
      expect(scene.liveRows()).to.equal("1000");
    });

    it("when a critical table is empty", async () => {
      scene.harm();
      const path = await scene.backUp();
      const error = await errorOf(scene.restore(path));
      expect(error.message).to.include("critical table profiles is empty");
      await expectUntouched("0");
    });

    for (const format of ["custom", "plain", "directory"] as const) {
      it(`when a dump is cut off or has a wrong bit, in ${format} format`, async () => {
        const path = await scene.backUp(format, UNSIGNED);
        const bytes = await readFile(path);
        bytes[bytes.length >> 1]! ^= 1;
        await writeFile(path, bytes);
        expect(await codeOf(scene.restore(path))).to.equal("ARTIFACT_DAMAGED");
        // As if whoever made it had made it so: the manifest says the same.
        const whole = await scene.backUp(format, {
          ...UNSIGNED,
          project: "whole",
        });
        const dump = await scene.find(whole);
        for (const spoil of [cutOff, flipBit]) {
          const spoilt = await forge(
            await readAll(await dump.open(UNWATCHED)),
            {
              spoil,
              format,
              fingerprint: dump.fingerprint as unknown as Json,
            },
          );
          const code = await codeOf(
            scene.restore(spoilt, { acceptUnauthenticated: true }),
          );
          expect(code).to.be.oneOf([
            "DATABASE_TOOL_FAILED",
            "DATABASE_DUMP_CUT",
            "DATABASE_RESTORED_WRONG",
            "ARCHIVE_ENTRY_REFUSED",
          ]);
          await rm(spoilt);
          await expectUntouched();
        }
      });
    }

    it("when nothing proves who made it and the client is unsafe", async () => {
      const path = await scene.backUp("custom", UNSIGNED);
      expect(await codeOf(scene.restore(path))).to.equal(
        "DATABASE_CLIENT_UNSAFE",
      );
      await scene.restore(path, { acceptUnauthenticated: true });
      expect(scene.liveRows()).to.equal("1000");
    });

    it("when the server or the role takes no writes, which is told", async () => {
      const path = await scene.backUp();
      const { cluster } = scene;
      const standby = await cluster.startStandby();
      try {
        const { port } = standby;
        const access = { ...scene.access, port };
        const error = await errorOf(scene.restore(path, { access }));
        expect(error.code).to.equal("DATABASE_UNFIT");
        expect(error.message).to.include("standby");
      } finally {
        await standby.stop();
      }
      const role = `ALTER ROLE ${cluster.user}`;
      scene.psql(`${role} SET default_transaction_read_only = on`);
      try {
        const error = await errorOf(scene.restore(path));
        expect(error.code).to.equal("DATABASE_UNFIT");
        expect(error.message).to.include("default_transaction_read_only");
      } finally {
        scene.psql(
          `SET default_transaction_read_only = off; ${role} RESET default_transaction_read_only`,
        );
      }
    });

    it("when it is called off", async () => {
      const path = await scene.backUp();
      for (const last of ["created", "loaded", "verified"]) {
        const controller = new AbortController();
        const code = await codeOf(
          scene.restore(path, {
            signal: controller.signal,
            onStep: (step) => {
              if (step === last) {
                controller.abort(new DrError("RESTORE_INTERRUPTED", {}));
              }
            },
          }),
        );
        expect(code).to.equal(
          last === "verified" ? "RESTORE_WAITS" : "RESTORE_INTERRUPTED",
        );
        expect(scene.liveRows()).to.equal("1000");
      }
      // What was verified waits to be swapped.
      expect(scene.databases()).to.have.length(2);
      scene.harm();
      const { examination } = await scene.restore(path);
      expect(examination).to.equal(undefined);
      expect(scene.liveRows()).to.equal("1000");
    });

    it("when the connection is lost in its middle", async () => {
      const path = await scene.backUp();
      const { cluster } = scene;
      const code = await codeOf(
        scene.restore(path, {
          onStep: (step) => {
            if (step === "created") {
              void cluster.halt();
            }
          },
        }),
      );
      expect(code).to.be.oneOf([
        "DATABASE_TOOL_FAILED",
        "DATABASE_UNREACHABLE",
      ]);
      await sleep(100);
      await cluster.resume();
      expect(scene.liveRows()).to.equal("1000");
      await scene.restore(path);
      expect(scene.databases().filter((name) => name.includes("scratch"))).to.be
        .empty;
    });

    it("when a disk is full, the server's or this machine's", async function () {
      if (!SmallDisk.isPossible()) {
        this.skip();
      }
      const path = await scene.backUp();
      const { TMPDIR } = process.env;
      process.env.TMPDIR = join(scene.folder, "small");
      await mkdir(process.env.TMPDIR);
      const disk = SmallDisk.mount(process.env.TMPDIR, 8192);
      try {
        expect(await codeOf(scene.restore(path, { jobs: 2 }))).to.equal(
          "NOT_WRITABLE",
        );
      } finally {
        disk.unmount();
        if (TMPDIR === undefined) {
          delete process.env.TMPDIR;
        } else {
          process.env.TMPDIR = TMPDIR;
        }
      }
      await expectUntouched();
    });

    it("when a session doesn't end; the next goes on where it stopped", async () => {
      const path = await scene.backUp();
      scene.harm();
      const stuck = await openSession(scene.access);
      const [row] = await stuck.query<{ pid: number }>(
        "SELECT pg_backend_pid() AS pid",
      );
      process.kill(row!.pid, "SIGSTOP");
      try {
        expect(await codeOf(scene.restore(path, { patienceMs: 200 }))).to.equal(
          "DATABASE_SESSIONS_LEFT",
        );
        expect(scene.liveRows()).to.equal("0");
      } finally {
        process.kill(row!.pid, "SIGCONT");
      }
      await closeSession(stuck);
      expect(await scene.restore(path)).to.not.have.property("examination");
      expect(scene.liveRows()).to.equal("1000");
      expect(scene.databases()).to.have.length(2);
    });

    it("when something is in the way, which is told before anything is made", async () => {
      const path = await scene.backUp();
      scene.psql(
        "BEGIN; UPDATE profiles SET name = ''; PREPARE TRANSACTION 'p'",
      );
      const dump = await scene.find(path);
      try {
        expect(
          await codeOf(prepareDatabaseRestore(dump, scene.options())),
        ).to.equal("DATABASE_SWAP_BLOCKED");
        expect(await codeOf(scene.restore(path))).to.equal(
          "DATABASE_SWAP_BLOCKED",
        );
      } finally {
        scene.psql("ROLLBACK PREPARED 'p'");
      }
      await expectUntouched();
    });

    it("when another restore is under way", async () => {
      const path = await scene.backUp();
      await withMaintenance(scene.access, async (session) => {
        await claimDatabase(session, "takumi");
        expect(await codeOf(scene.restore(path))).to.equal("DATABASE_BUSY");
      });
      await expectUntouched();
    });

    it("when the role may not create databases, extensions or roles are missing", async () => {
      const path = await scene.backUp();
      const dump = await scene.find(path);
      const needy = {
        ...dump,
        fingerprint: {
          ...dump.fingerprint!,
          extensions: [{ name: "postgis", version: "3.4" }],
          roles: ["dr_owner", "App Owner"],
        },
      };
      const { cluster } = scene;
      cluster.psql("CREATE ROLE humble LOGIN PASSWORD 'humble'");
      const access = { ...scene.access, user: "humble", password: "humble" };
      const error = await errorOf(
        prepareDatabaseRestore(needy, scene.options({ access })),
      );
      expect(error.code).to.equal("DATABASE_UNFIT");
      expect(error.message).to.include("ALTER ROLE humble CREATEDB");
      expect(error.message).to.include("lacks the extension postgis");
      expect(error.message).to.include('CREATE ROLE "App Owner";');
      cluster.psql("DROP ROLE humble");
      await expectUntouched();
    });

    it("when the role may not set what the database has, with the ways out", async () => {
      const path = await scene.backUp();
      const { cluster } = scene;
      cluster.psql(
        `CREATE ROLE humble LOGIN CREATEDB PASSWORD 'humble';
         ALTER DATABASE takumi SET log_min_duration_statement = '1s';
         ALTER DATABASE takumi OWNER TO humble`,
      );
      try {
        const access = { ...scene.access, user: "humble", password: "humble" };
        const error = await errorOf(scene.restore(path, { access }));
        expect(error.code).to.equal("DATABASE_SWAP_BLOCKED");
        expect(error.message).to.include("log_min_duration_statement");
        expect(error.message).to.include("GRANT SET ON PARAMETER");
        await expectUntouched();
      } finally {
        cluster.psql(
          "ALTER DATABASE takumi OWNER TO dr_owner; DROP ROLE humble",
        );
      }
    });

    it("when there are too few connections, or too little room", async () => {
      const path = await scene.backUp();
      const dump = await scene.find(path);
      const large = { ...dump, sizeBytes: 1e18 };
      const error = await errorOf(
        prepareDatabaseRestore(large, scene.options({ jobs: 100 })),
      );
      expect(error.code).to.equal("DATABASE_UNFIT");
      expect(error.message).to.match(/connections left, and 103 are needed/);
      expect(error.message).to.match(/the dump alone is 1000000000000 MB/);
    });

    it("when what an earlier one left can't be read", async () => {
      const path = await scene.backUp();
      await writeFile(scene.record, "{");
      expect(await codeOf(scene.restore(path))).to.equal(
        "RESTORE_RECORD_UNREADABLE",
      );
      await rm(scene.record);
      await expectUntouched();
    });
  });

  it("lies in the tablespace of the one whose place it takes", async function () {
    if (Number(scene.psql("SHOW server_version_num")) < 150_000) {
      this.skip(); // Older ones have tablespaces only in folders that are there.
    }
    const path = await scene.backUp();
    scene.psql(
      `SET allow_in_place_tablespaces = on;
       CREATE TABLESPACE "large disk" LOCATION ''`,
      "postgres",
    );
    scene.psql('ALTER DATABASE takumi SET TABLESPACE "large disk"', "postgres");
    try {
      await scene.restore(path);
      expect(
        scene.psql(
          "SELECT spcname FROM pg_database d JOIN pg_tablespace t ON t.oid = dattablespace WHERE datname = current_database()",
        ),
      ).to.equal("large disk");
    } finally {
      scene.drop();
      scene.psql('DROP TABLESPACE "large disk"', "postgres");
    }
  });

  it("tells of an index that wasn't valid before, which a dump leaves so", async () => {
    scene.psql(
      `CREATE TABLE days (at date) PARTITION BY RANGE (at);
       CREATE TABLE day PARTITION OF days DEFAULT;
       CREATE INDEX days_at ON ONLY days (at)`,
    );
    const { examination } = await scene.restore(await scene.backUp());
    expect(examination?.notices).to.deep.equal([
      "As when it was backed up: The index public.days_at isn't valid.",
    ]);
  });

  it("leaves nothing of a trial whose database had a subscription, and no restore in the way of the next", async () => {
    const name = "news";
    scene.psql(
      `CREATE SUBSCRIPTION ${name} CONNECTION 'dbname=nowhere' PUBLICATION p WITH (connect = false)`,
    );
    const path = await scene.backUp();
    const unhook = `ALTER SUBSCRIPTION ${name} DISABLE; ALTER SUBSCRIPTION ${name} SET (slot_name = NONE); DROP SUBSCRIPTION ${name}`;
    try {
      const dump = await scene.find(path);
      const { examination } = await verifyBackup(dump, {
        ...scene.options(),
        like: "takumi",
      });
      expect(examination.problems).to.deep.equal([]);
      expect(examination.notices.join()).to.include(
        "The subscription news is disabled",
      );
      await expectUntouched();
    } finally {
      scene.psql(unhook);
    }
    const { aside } = await scene.restore(path);
    scene.psql(unhook);
    expect(scene.databases()).to.deep.equal(["takumi", aside]);
  });

  it("restores without owners and grants when told", async () => {
    scene.psql("CREATE ROLE departed; ALTER TABLE profiles OWNER TO departed");
    const path = await scene.backUp();
    scene.psql("ALTER TABLE profiles OWNER TO dr_owner; DROP ROLE departed");
    scene.harm();
    expect((await errorOf(scene.restore(path))).message).to.include(
      "CREATE ROLE departed;",
    );
    await scene.restore(path, { noOwner: true });
    expect(scene.liveRows()).to.equal("1000");
  });

  it("names --no-owner where the role that restores isn't the owners'", async () => {
    const path = await scene.backUp();
    scene.psql("CREATE ROLE app LOGIN CREATEDB PASSWORD 'app'");
    try {
      const access = { ...scene.access, user: "app", password: "app" };
      const options = { access, into: "beside" };
      const error = await errorOf(scene.restore(path, options));
      expect(error.code).to.equal("DATABASE_TOOL_FAILED");
      expect(error.message).to.include("`--no-owner`");
      await scene.restore(path, { ...options, noOwner: true });
      expect(scene.databases()).to.deep.equal(["beside", "takumi"]);
    } finally {
      scene.psql("DROP DATABASE IF EXISTS beside", "postgres");
      scene.psql("DROP ROLE app", "postgres");
    }
  });

  describe("killed", () => {
    const argumentsFor = (path: string) => [
      path,
      scene.cluster.url("takumi"),
      scene.record,
      scene.keyFile,
    ];
    const run = async (path: string, last: string, jobs = "1") => {
      await runKilled(WORKER, [...argumentsFor(path), last, jobs]);
    };

    for (const last of ["created", "loaded", "verified", "placed"]) {
      it(`once it is ${last}, is finished by the next`, async () => {
        const path = await scene.backUp();
        scene.harm();
        await run(path, last);
        expect(scene.liveRows()).to.equal(last === "placed" ? "1000" : "0");
        const { aside, examination } = await scene.restore(path, {
          isResumed: true,
        });
        const isKept = last === "verified" || last === "placed";
        expect(examination === undefined).to.equal(isKept);
        expect(scene.liveRows()).to.equal("1000");
        expect(scene.databases()).to.deep.equal(["takumi", aside]);
        expect(await scene.leftFiles()).to.deep.equal([]);
      });
    }

    it("once it is placed, is done anew for who asks for it again", async () => {
      const path = await scene.backUp();
      scene.harm();
      await run(path, "placed");
      scene.harm();
      const { examination } = await scene.restore(path);
      expect(examination?.problems).to.deep.equal([]);
      expect(scene.liveRows()).to.equal("1000");
      expect(scene.databases()).to.have.length(3);
    });

    it("in the middle of swapping, leaves all as it was", async () => {
      const path = await scene.backUp();
      scene.harm();
      const stuck = await openSession(scene.access);
      const [row] = await stuck.query<{ pid: number }>(
        "SELECT pg_backend_pid() AS pid",
      );
      process.kill(row!.pid, "SIGSTOP");
      const child = startWorker(WORKER, argumentsFor(path), "ignore");
      const ended = once(child, "exit");
      while (
        scene.psql(
          "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'ALTER DATABASE%RENAME%' AND pid <> pg_backend_pid()",
          "postgres",
        ) === "0"
      ) {
        await sleep(20);
      }
      child.kill("SIGKILL");
      await ended;
      process.kill(row!.pid, "SIGCONT");
      await closeSession(stuck);
      // The server notices only now that the one who was killed is gone.
      while (
        scene.psql(
          "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'hardhat-dr'",
          "postgres",
        ) !== "0"
      ) {
        await sleep(20);
      }
      expect(scene.liveRows()).to.equal("0");
      const { aside } = await scene.restore(path);
      expect(scene.liveRows()).to.equal("1000");
      expect(scene.databases()).to.deep.equal(["takumi", aside]);
    });

    it("at any moment, leaves one whole database under the live name", async () => {
      const path = await scene.backUp();
      scene.harm();
      for (const milliseconds of [0, 60, 120, 180, 240, 300, 360, 420]) {
        const child = startWorker(
          WORKER,
          [...argumentsFor(path), "", "2"],
          ["ignore", "pipe", "inherit"],
        );
        const ended = once(child, "exit");
        await once(child.stdout!, "data");
        await sleep(milliseconds);
        child.kill("SIGKILL");
        await ended;
        expect(scene.liveRows()).to.be.oneOf(["0", "1000"]);
      }
      await scene.restore(path);
      expect(scene.liveRows()).to.equal("1000");
      expect(scene.databases().filter((name) => name.includes("scratch"))).to.be
        .empty;
      expect(await scene.leftFiles()).to.deep.equal([]);
    });
  });

  async function readAll(stream: Readable): Promise<Buffer> {
    return Buffer.concat((await stream.toArray()) as Buffer[]);
  }

  const cutOff = (bytes: Buffer) =>
    bytes.subarray(0, Math.floor(bytes.length * 0.6));
  const flipBit = (bytes: Buffer) => {
    const at = bytes.indexOf("c4ca4238a0b923820dcc509a6f75849b");
    bytes[at]! ^= 1;
    return bytes;
  };

  async function forge(
    bytes: Buffer,
    {
      spoil,
      format,
      fingerprint,
    }: {
      readonly spoil: (bytes: Buffer) => Buffer;
      readonly format: string;
      readonly fingerprint: Json;
    },
  ): Promise<string> {
    const { path } = await writeArtifact(
      {
        folder: join(scene.folder, "forged"),
        project: "forged",
        clock: systemClock,
        tool: "test",
        compression: "gzip",
      },
      {
        kind: "database",
        stream: Readable.from([spoil(bytes)], { objectMode: false }),
        describe: () => ({
          contents: { format, fingerprint },
          recoveryPoint: {},
        }),
      },
    );
    return path;
  }
});
