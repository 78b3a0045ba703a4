import { generateKeyPairSync } from "node:crypto";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { text } from "node:stream/consumers";

import { expect } from "chai";

import {
  openArtifact,
  checkArtifact,
} from "../../src/artifact/read-artifact.js";
import type { WrittenArtifact } from "../../src/artifact/write-artifact.js";
import { publicKeyOf } from "../../src/artifact/manifest.js";
import { DrError } from "../../src/core/errors.js";
import {
  chooseBackup,
  chooseBackupOf,
} from "../../src/offsite/choose-backup.js";
import { downloadBackup } from "../../src/offsite/download-artifact.js";
import { examine } from "../../src/offsite/examine.js";
import { textSource } from "../../src/offsite/file-source.js";
import {
  readManifests,
  takeInventory,
  type Inventory,
} from "../../src/offsite/inventory.js";
import { takeLease } from "../../src/offsite/lease.js";
import { listLocalArtifacts } from "../../src/offsite/local-artifacts.js";
import { recordProof } from "../../src/offsite/proof.js";
import { pruneStorage, type Pruning } from "../../src/offsite/prune.js";
import { replicate, type Replicated } from "../../src/offsite/replicate.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { RecordingMeter } from "../helpers/recording-meter.js";
import { Backups } from "./backups.js";
import { codeOf, errorOf } from "./describe-storage.js";
import { MemoryStorage } from "./memory-storage.js";

const DAY_MS = 86_400_000;

describe("backups offsite", () => {
  const folder = useTemporaryFolder();
  let backups: Backups;
  let storage: MemoryStorage;

  beforeEach(async () => {
    backups = await Backups.create(folder.path);
    storage = new MemoryStorage();
  });

  async function replicateAll(
    trusted: readonly string[] = [],
  ): Promise<Replicated[]> {
    const local = await listLocalArtifacts(backups.folder, "takumi");
    return await replicate(storage, local, { trusted });
  }

  async function prune(days = 90, now = new Date()): Promise<Pruning> {
    return await pruneStorage(storage, { project: "takumi", days, now });
  }

  const keys = () => [...storage.objects.keys()].toSorted();
  const statuses = (results: readonly Replicated[]) =>
    results.map(({ kind, status, error }) => [kind, status, error?.code]);

  describe("replicating", () => {
    it("sends each with its checksum, and its manifest last, the database first", async () => {
      for (const kind of ["files", "contracts", "database"] as const) {
        await backups.make(kind);
      }
      expect(statuses(await replicateAll())).to.deep.equal([
        ["database", "uploaded", undefined],
        ["contracts", "uploaded", undefined],
        ["files", "uploaded", undefined],
      ]);
      const puts = storage.calls.filter((call) => call.startsWith("put"));
      expect(puts).to.have.length(9);
      expect(
        puts.map((put) => /(\.enc|\.sha256|\.json)$/.exec(put)![1]),
      ).to.deep.equal([0, 1, 2].flatMap(() => [".enc", ".sha256", ".json"]));
    });

    it("sends nothing twice, and finishes what was begun", async () => {
      const { path } = await backups.make("database");
      await replicateAll();
      const key = `database/${basename(path)}`;
      for (const lost of [
        [`${key}.manifest.json`],
        [`${key}.sha256`, `${key}.manifest.json`],
        [key],
        [],
      ]) {
        lost.forEach((one) => storage.objects.delete(one));
        storage.calls.length = 0;
        const [result] = await replicateAll();
        expect(result?.status).to.equal(
          lost.length === 0 ? "already-there" : "uploaded",
        );
        const puts = storage.calls.filter((call) => call.startsWith("put"));
        expect(puts).to.deep.equal(
          [key, `${key}.sha256`, `${key}.manifest.json`]
            .filter((one) => lost.includes(one))
            .map((one) => `put ${one}`),
        );
        expect(keys()).to.have.length(3);
      }
    });

    it("goes on after one that is damaged, or another one there", async () => {
      const damaged = await backups.make("database");
      const other = await backups.make("contracts");
      await backups.make("files");
      const bytes = await readFile(damaged.path);
      bytes[bytes.length - 1]! ^= 1;
      await writeFile(damaged.path, bytes);
      const key = `contracts/${basename(other.path)}`;
      await storage.put(key, textSource("something else"));
      expect(statuses(await replicateAll())).to.deep.equal([
        ["database", "failed", "ARTIFACT_DAMAGED"],
        ["contracts", "failed", "OFFSITE_EXISTS"],
        ["files", "uploaded", undefined],
      ]);
      expect(keys().filter((one) => one.startsWith("database"))).to.deep.equal(
        [],
      );
      expect(storage.objects.get(key)!.bytes.toString()).to.equal(
        "something else",
      );
    });

    it("sends nothing in the clear, and nothing that nobody proves", async () => {
      const { path } = await backups.make("database");
      await rm(`${path}.manifest.json`);
      await writeFile(
        join(backups.folder, "database", "takumi_db_20240115_140000.tar.tmp"),
        "",
      );
      await backups.make("files", 0, { encryption: undefined as never });
      expect(statuses(await replicateAll())).to.deep.equal([
        ["database", "failed", "ARTIFACT_MISSING"],
        ["files", "failed", "NOT_ENCRYPTED"],
      ]);
      expect(keys()).to.deep.equal([]);
    });

    it("sends nothing that somebody else signed", async () => {
      const { privateKey } = generateKeyPairSync("ed25519");
      await backups.make("database", 0, { signingKey: privateKey });
      const own = publicKeyOf(privateKey);
      expect(statuses(await replicateAll(["ab".repeat(32)]))).to.deep.equal([
        ["database", "failed", "MANIFEST_NOT_TRUSTED"],
      ]);
      expect(statuses(await replicateAll([own]))[0]![1]).to.equal("uploaded");
    });

    it("ends when the store can't be reached, or lets nobody in", async () => {
      await backups.make("database");
      await backups.make("contracts");
      storage.fail("put", "unreachable");
      expect(await codeOf(replicateAll())).to.equal("OFFSITE_UNREACHABLE");
      storage.fail("stat", "denied");
      expect(await codeOf(replicateAll())).to.equal("OFFSITE_DENIED");
      expect(
        statuses(await replicateAll()).map(([, status]) => status),
      ).to.deep.equal(["uploaded", "uploaded"]);
    });

    it("does well when two do it at once", async () => {
      for (const kind of ["database", "contracts", "files"] as const) {
        await backups.make(kind);
      }
      const both = await Promise.all([replicateAll(), replicateAll()]);
      for (const result of both.flat()) {
        expect(result.status).to.be.oneOf(["uploaded", "already-there"]);
      }
      expect(keys()).to.have.length(9);
    });

    it("leaves out what is older than asked for, and what isn't whole", async () => {
      await backups.make("database", 8);
      const young = await backups.make("database", 1);
      const since = new Date(Date.now() - 7 * DAY_MS);
      const found = await listLocalArtifacts(backups.folder, "takumi", since);
      expect(found.map(({ path }) => path)).to.deep.equal([young.path]);
      await rm(young.path);
      expect(
        await listLocalArtifacts(backups.folder, "takumi", since),
      ).to.deep.equal([]);
    });
  });

  describe("listing", () => {
    it("asks once a page, and nothing of an object", async () => {
      for (let index = 0; index < 5; index += 1) {
        await backups.make("database", index);
      }
      await replicateAll();
      storage.calls.length = 0;
      storage.pageSize = 4;
      const { artifacts } = await takeInventory(storage, "takumi");
      expect(artifacts).to.have.length(5);
      expect(storage.calls).to.deep.equal(["list", "list", "list", "list"]);
      expect(artifacts.map(({ status }) => status)).to.deep.equal(
        artifacts.map(() => "complete"),
      );
      const times = artifacts.map(({ createdAt }) => createdAt.getTime());
      expect(times).to.deep.equal(times.toSorted((a, b) => a - b));
    });

    it("knows strangers, and other projects' backups", async () => {
      for (const key of [
        "database/elsewhere_db_20240115_140000.sql.gz",
        "notes.txt",
        "database/ünïcode name?.sql",
      ]) {
        await storage.put(key, textSource("words"));
      }
      await storage.put(
        "database/takumi_db_20240115_140000.sql.gz.enc",
        textSource("words"),
      );
      const { artifacts, strangers } = await takeInventory(storage, "takumi");
      expect(artifacts.map(({ status, key }) => [status, key])).to.deep.equal([
        ["legacy", "database/takumi_db_20240115_140000.sql.gz.enc"],
      ]);
      expect(strangers).to.have.length(3);
    });

    it("tells when one was last proven", async () => {
      const { path } = await backups.make("database");
      await replicateAll();
      const key = `database/${basename(path)}`;
      const [first, last] = ["2024-01-15T14:00:00Z", "2024-02-15T14:00:00Z"];
      await recordProof(storage, key, new Date(last), {});
      await recordProof(storage, key, new Date(first), {});
      const { artifacts } = await takeInventory(storage, "takumi");
      expect(artifacts).to.have.length(1);
      expect(artifacts[0]!.provenAt).to.deep.equal(new Date(last));
      expect(artifacts[0]!.proofs).to.have.length(2);
    });

    it("shows what was deleted, replaced, rolled back, or signed by others", async () => {
      const { privateKey } = generateKeyPairSync("ed25519");
      const made: WrittenArtifact[] = [];
      for (const daysAgo of [3, 2, 1]) {
        made.push(
          await backups.make("database", daysAgo, { signingKey: privateKey }),
        );
      }
      await replicateAll();
      const look = async (trusted: readonly string[] = []) => {
        const inventory = await takeInventory(storage, "takumi");
        const known = await Promise.all(
          made.map(async ({ path }) => ({
            name: basename(path),
            text: await readFile(`${path}.manifest.json`, "utf8"),
          })),
        );
        return await examine(storage, inventory, {
          trusted,
          keptSince: new Date(0),
          known,
        });
      };
      const own = [publicKeyOf(privateKey)];
      const good = await look(own);
      expect(good.breaks).to.deep.equal([]);
      expect(
        [...good.signatures.values()].map((one) => one.status),
      ).to.deep.equal(["signed", "signed", "signed"]);
      const [refused] = (await look(["ab".repeat(32)])).signatures.values();
      expect(refused?.status === "refused" && refused.error.code).to.equal(
        "MANIFEST_NOT_TRUSTED",
      );
      const [, second, third] = made.map(({ path }) => basename(path));
      for (const [name, status] of [
        [second!, "deleted"],
        [third!, "rolled-back"],
      ] as const) {
        const removed = keys().filter((key) => key.includes(name));
        const kept = removed.map((key) => storage.objects.get(key)!);
        removed.forEach((key) => storage.objects.delete(key));
        expect((await look()).breaks.map((one) => one.status)).to.deep.equal([
          status,
        ]);
        kept.forEach((object) => storage.objects.set(object.key, object));
      }
    });

    it("reads no manifest that is too long to be one", async () => {
      const { path } = await backups.make("database");
      await replicateAll();
      const key = `database/${basename(path)}.manifest.json`;
      const object = storage.objects.get(key)!;
      storage.objects.set(key, { ...object, sizeBytes: 20_000_000 });
      const { artifacts } = await takeInventory(storage, "takumi");
      expect((await readManifests(storage, artifacts))[0]!.text).to.equal("");
      expect(
        storage.calls.filter((call) => call.startsWith("get")),
      ).to.deep.equal([]);
    });
  });

  describe("pruning", () => {
    it("lets go what is too old, all of it, its manifest first", async () => {
      const [old, young] = [
        await backups.make("database", 100),
        await backups.make("database", 10),
      ];
      await replicateAll();
      const key = `database/${basename(old.path)}`;
      await recordProof(storage, key, new Date("2024-01-15T14:00:00Z"), {});
      const newer = `database/${basename(young.path)}`;
      await recordProof(storage, newer, new Date("2024-02-15T14:00:00Z"), {});
      storage.calls.length = 0;
      expect((await prune()).removed).to.deep.equal([key]);
      expect(keys().filter((one) => one.startsWith(key))).to.deep.equal([]);
      const deletes = storage.calls.filter((call) => call.startsWith("delete"));
      expect(deletes[0]).to.equal(`delete ${key}.manifest.json`);
      expect(deletes.at(-1)).to.equal(`delete ${key}`);
    });

    it("never takes the newest good, the last proven, or a contract snapshot", async () => {
      await backups.make("contracts", 500);
      const proven = await backups.make("database", 300);
      await backups.make("database", 250);
      await backups.make("database", 200);
      await replicateAll();
      const key = `database/${basename(proven.path)}`;
      await recordProof(storage, key, new Date("2024-01-15T14:00:00Z"), {});
      const { removed, retained } = await prune();
      expect(removed).to.have.length(1);
      expect(retained.map(({ why }) => why).toSorted()).to.deep.equal([
        "newest",
        "proven",
      ]);
      expect(
        keys().filter((one) => one.startsWith("contracts")),
      ).to.have.length(3);
    });

    it("never takes the newest good of a database because another's is newer", async () => {
      const of = (database: string) => ({ contents: { database } });
      await backups.make("database", 200, of("shop"));
      const last = await backups.make("database", 100, of("shop"));
      await backups.make("database", 1, of("blog"));
      await replicateAll();
      const { removed, retained } = await prune();
      expect(removed).to.have.length(1);
      expect(retained).to.deep.equal([
        { key: `database/${basename(last.path)}`, why: "newest" },
      ]);
    });

    it("retains what the store has locked, and calls it no failure", async () => {
      const locked = await backups.make("database", 100);
      await backups.make("database", 1);
      await replicateAll();
      const key = `database/${basename(locked.path)}`;
      storage.lock(key, new Date(Date.now() + DAY_MS));
      const pruning = await prune();
      expect(pruning.removed).to.deep.equal([]);
      expect(pruning.failed).to.deep.equal([]);
      expect(pruning.retained.map(({ why }) => why)).to.deep.equal(["locked"]);
      expect(keys().filter((one) => one.startsWith(key))).to.have.length(3);
    });

    it("leaves what is being restored, until that is over", async () => {
      const old = await backups.make("database", 100);
      await backups.make("database", 1);
      await replicateAll();
      const key = `database/${basename(old.path)}`;
      const lease = await takeLease(storage, [key]);
      expect((await prune()).retained.map(({ why }) => why)).to.deep.equal([
        "being-restored",
      ]);
      await lease!.giveBack();
      expect((await prune()).removed).to.deep.equal([key]);
    });

    it("doesn't wait for a restore that was killed, but for one it can't make out", async () => {
      const old = await backups.make("database", 100);
      await backups.make("database", 1);
      await replicateAll();
      await storage.put("leases/x.json", textSource("{"));
      expect((await prune()).retained.map(({ why }) => why)).to.deep.equal([
        "being-restored",
      ]);
      const later = new Date(Date.now() + 1.1 * DAY_MS);
      expect((await prune(90, later)).removed).to.deep.equal([
        `database/${basename(old.path)}`,
      ]);
      expect(keys()).to.not.include("leases/x.json");
    });

    it("takes no base from what builds on it", async () => {
      const base = await backups.make("files", 120);
      const contents = {
        base: { artifact: basename(base.path), manifest: "ab".repeat(32) },
      };
      const middle = await backups.make("files", 110, { contents });
      await backups.make("files", 1);
      await replicateAll();
      const [baseKey, middleKey] = [base, middle].map(
        ({ path }) => `files/${basename(path)}`,
      );
      storage.lock(middleKey!, new Date(Date.now() + DAY_MS));
      const { removed, retained } = await prune();
      expect(removed).to.deep.equal([]);
      expect(retained.map(({ key, why }) => [key, why])).to.deep.equal([
        [middleKey, "locked"],
        [baseKey, "base"],
      ]);
    });

    it("goes on after one that can't be removed", async () => {
      await backups.make("database", 120);
      await backups.make("database", 110);
      await backups.make("database", 1);
      await replicateAll();
      storage.fail("delete", "denied");
      const { removed, failed } = await prune();
      expect(removed).to.have.length(1);
      expect(failed.map(({ error }) => error.code)).to.deep.equal([
        "OFFSITE_DENIED",
      ]);
    });

    it("spares what a wrong clock dated into the future", async () => {
      await backups.make("database", -3);
      await replicateAll();
      const { removed, retained } = await prune();
      expect(removed).to.deep.equal([]);
      expect(retained.map(({ why }) => why)).to.deep.equal(["future"]);
    });

    it("harms no replication at the same time", async () => {
      await backups.make("database", 100);
      await backups.make("database", 2);
      await replicateAll();
      const fresh = await backups.make("database");
      const local = (await listLocalArtifacts(backups.folder, "takumi")).slice(
        1,
      );
      await Promise.all([replicate(storage, local, { trusted: [] }), prune()]);
      const { artifacts } = await takeInventory(storage, "takumi");
      expect(artifacts.map(({ status }) => status)).to.deep.equal([
        "complete",
        "complete",
      ]);
      expect(artifacts.at(-1)!.name).to.equal(basename(fresh.path));
    });
  });

  describe("downloading", () => {
    const target = () => join(folder.path, "download");

    async function download(
      name: string,
      meter = new RecordingMeter(),
    ): Promise<void> {
      const inventory = await takeInventory(storage, "takumi");
      const kind = name.includes("_db_") ? "database" : "files";
      const backup = chooseBackup(inventory, { kind, name }, storage.address);
      await downloadBackup(storage, inventory, backup, target(), {
        trusted: [],
        meter,
      });
    }

    it("brings a backup that opens", async () => {
      const { path } = await backups.make("database");
      await replicateAll();
      await download(basename(path));
      const checked = await checkArtifact(join(target(), basename(path)), {
        trusted: [],
      });
      const encryption = {
        format: "aes-256-gcm",
        keyFile: backups.keyFile,
        oldKeyFiles: [],
        recipients: [],
      } as const;
      const opened = await openArtifact(checked, { encryption, trusted: [] });
      expect(await text(opened)).to.equal("database of 0 days ago");
      expect((await readdir(target())).length).to.equal(3);
    });

    it("tells how far it is, when it checks it too", async () => {
      const { path } = await backups.make("database");
      const name = basename(path);
      const local = await listLocalArtifacts(backups.folder, "takumi");
      const sent = new RecordingMeter();
      await replicate(storage, local, { trusted: [], meter: sent });
      expect(sent.complete).to.deep.equal([name]);
      await replicate(storage, local, { trusted: [], meter: sent });
      expect(sent.complete).to.deep.equal([name, `checking ${name}`]);
      const brought = new RecordingMeter();
      await download(name, brought);
      expect(brought.complete).to.deep.equal([name, `checking ${name}`]);
    });

    it("notices each flipped byte, and each missing one", async () => {
      const { path } = await backups.make("database");
      await replicateAll();
      const key = `database/${basename(path)}`;
      const object = storage.objects.get(key)!;
      for (const at of [0, 50, object.bytes.length - 1]) {
        const bytes = Buffer.from(object.bytes);
        bytes[at]! ^= 1;
        storage.objects.set(key, { ...object, bytes });
        expect(await codeOf(download(basename(path)))).to.equal(
          "ARTIFACT_DAMAGED",
        );
        await rm(target(), { recursive: true });
      }
      const bytes = object.bytes.subarray(0, -1);
      storage.objects.set(key, { ...object, bytes, sizeBytes: bytes.length });
      expect(await codeOf(download(basename(path)))).to.equal(
        "ARTIFACT_DAMAGED",
      );
    });

    it("asks for no byte of what its manifest says has another size", async () => {
      const { path } = await backups.make("database");
      await replicateAll();
      const key = `database/${basename(path)}`;
      const object = storage.objects.get(key)!;
      for (const bytes of [
        object.bytes.subarray(0, -1),
        Buffer.concat([object.bytes, Buffer.of(0)]),
      ]) {
        storage.objects.set(key, { ...object, bytes, sizeBytes: bytes.length });
        storage.calls.length = 0;
        expect(await codeOf(download(basename(path)))).to.equal(
          "ARTIFACT_DAMAGED",
        );
        expect(storage.calls).to.include(`get ${key}.manifest.json`);
        expect(storage.calls).to.not.include(`get ${key}`);
      }
    });

    it("brings what it builds on too, and says what is missing of that", async () => {
      const base = await backups.make("files", 3);
      const manifest = (
        await readFile(`${base.path}.manifest.json`)
      ).toString();
      const { digestManifest } = await import("../../src/artifact/manifest.js");
      const contents = {
        base: {
          artifact: basename(base.path),
          manifest: digestManifest(manifest),
        },
      };
      const made = await backups.make("files", 1, { contents });
      await replicateAll();
      await download(basename(made.path));
      expect(await readdir(target())).to.have.length(6);
      storage.objects.delete(`files/${basename(base.path)}`);
      await rm(target(), { recursive: true });
      expect(await codeOf(download(basename(made.path)))).to.equal(
        "BACKUP_CHAIN_BROKEN",
      );
    });

    it("finds the newest, the newest before a time, and what isn't there", async () => {
      const made = [
        await backups.make("database", 3),
        await backups.make("database", 1),
      ];
      await replicateAll();
      const inventory = await takeInventory(storage, "takumi");
      const choose = (wanted: { name?: string; before?: Date }) =>
        chooseBackup(inventory, { kind: "database", ...wanted }, "there").name;
      expect(choose({})).to.equal(basename(made[1]!.path));
      const before = new Date(Date.now() - 2 * DAY_MS);
      expect(choose({ before })).to.equal(basename(made[0]!.path));
      for (const wanted of [{ name: "none" }, { before: new Date(0) }]) {
        expect(() => choose(wanted))
          .to.throw(DrError)
          .with.property("code", "OFFSITE_MISSING");
      }
    });

    it("finds the newest of a database, and names another's where there is none", async () => {
      const of = (database: string) => ({ contents: { database } });
      const [old, own, others] = [
        await backups.make("database", 4),
        await backups.make("database", 3, of("shop")),
        await backups.make("database", 1, of("blog")),
      ].map(({ path }) => basename(path));
      await replicateAll();
      let inventory: Pick<Inventory, "artifacts"> = await takeInventory(
        storage,
        "takumi",
      );
      const choose = async (database: string, before?: Date) =>
        await chooseBackupOf(database, storage, inventory, {
          kind: "database",
          ...(before === undefined ? {} : { before }),
        });
      expect((await choose("shop")).name).to.equal(own);
      // It doesn't say which database it is of.
      expect((await choose("wiki")).name).to.equal(old);
      inventory = { artifacts: inventory.artifacts.slice(1) };
      const error = await errorOf(choose("wiki"));
      expect(error.code).to.equal("DATABASE_BACKUP_OF_OTHER");
      expect(error.message).to.include(
        `${others ?? ""}, is of the database blog`,
      );
      expect(await codeOf(choose("wiki", new Date(0)))).to.equal(
        "OFFSITE_MISSING",
      );
    });

    it("takes a lease where it may only read, too", async () => {
      storage.fail("put", "denied");
      expect(await takeLease(storage, ["a"])).to.be.undefined;
    });
  });
});
