import { readdirSync, statSync } from "node:fs";
import {
  chmod,
  chown,
  copyFile,
  lchown,
  lstat,
  mkdir,
  readdir,
  readFile,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";

import { expect } from "chai";

import { packArchive, type ArchiveEntry } from "../../src/artifact/archive.js";
import {
  encodeManifest,
  parseManifest,
  type Manifest,
} from "../../src/artifact/manifest.js";
import { Measure } from "../../src/artifact/measure.js";
import { writeArtifact } from "../../src/artifact/write-artifact.js";
import {
  encodeFileIndex,
  type FileIndex,
  type IndexEntry,
} from "../../src/backup/file-index.js";
import { artifactKeys, openPlace } from "../../src/backup/place.js";
import { restoreFiles } from "../../src/backup/restore-files.js";
import type { Json } from "../../src/core/canonical-json.js";
import { DrError } from "../../src/core/errors.js";
import { codeOf, refusalOf } from "../deployments/refusal.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { abandonedBeside } from "../helpers/abandoned.js";
import { runKilled } from "../helpers/killed-worker.js";
import { RecordingMeter } from "../helpers/recording-meter.js";
import { requireRoot } from "../helpers/root.js";
import { SmallDisk } from "../helpers/small-disk.js";
import { describeFolder, FileScene } from "./file-scene.js";

describe("a restore of files", () => {
  const folder = useTemporaryFolder();
  let scene: FileScene;

  beforeEach(async () => {
    scene = new FileScene(folder.path);
    await scene.write("uploads/a.txt", "one");
    await scene.write("uploads/inner/b.txt", "two");
  });

  async function expectRefusal(
    name: string,
    code: string,
    changes: Parameters<FileScene["restore"]>[1] = {},
  ): Promise<DrError> {
    const before = await describeFolder(folder.path);
    const error = await refusalOf(
      async () => await scene.restore(name, changes),
    );
    expect(error.code, error.message).to.equal(code);
    expect(await describeFolder(folder.path)).to.deep.equal(before);
    return error;
  }

  describe("of a chain", () => {
    let names: readonly string[];

    beforeEach(async () => {
      const full = await scene.backUp();
      await scene.write("uploads/c.txt", "three");
      const middle = await scene.backUp();
      await scene.write("uploads/d.txt", "four");
      names = [full, middle, await scene.backUp()];
    });

    async function forge(
      name: string,
      change: (manifest: Manifest) => Partial<Manifest>,
    ): Promise<void> {
      const file = join(scene.folder, `${name}.manifest.json`);
      const manifest = parseManifest(await readFile(file, "utf8"), file);
      await writeFile(
        file,
        encodeManifest({ ...manifest, ...change(manifest) }),
      );
    }

    it("is refused when one that it builds on is missing, damaged or another", async () => {
      const [full, middle, last] = names as [string, string, string];
      const keep = scene.at("keep");
      await mkdir(keep);
      for (const file of await readdir(scene.folder)) {
        await copyFile(join(scene.folder, file), join(keep, file));
      }
      const deeds: Record<string, () => Promise<void>> = {
        "its file is missing": async () => {
          await rm(join(scene.folder, full));
        },
        "its manifest is missing": async () => {
          await rm(join(scene.folder, `${middle}.manifest.json`));
        },
        "it is damaged": async () => {
          await writeFile(join(scene.folder, full), "damaged");
        },
        "its manifest says something else": async () => {
          await forge(full, () => ({ tool: "another" }));
        },
        "another has its name": async () => {
          await rm(scene.at("uploads/a.txt"));
          const other = await scene.backUp(true);
          for (const suffix of ["", ".manifest.json"]) {
            await copyFile(
              join(scene.folder, `${other}${suffix}`),
              join(scene.folder, `${full}${suffix}`),
            );
          }
          await forge(full, () => ({ artifact: full }));
        },
      };
      for (const [what, deed] of Object.entries(deeds)) {
        await deed();
        const error = await expectRefusal(last, "BACKUP_CHAIN_BROKEN");
        expect(error.message, what).to.match(
          new RegExp(`^${last} builds on (${full}|${middle})`),
        );
        for (const file of await readdir(keep)) {
          await copyFile(join(keep, file), join(scene.folder, file));
        }
      }
      await scene.restore(last);
    });

    it("is refused when it is itself missing or damaged", async () => {
      const [, , last] = names as [string, string, string];
      await writeFile(join(scene.folder, last), "damaged");
      await expectRefusal(last, "ARTIFACT_DAMAGED");
      await rm(join(scene.folder, `${last}.manifest.json`));
      await expectRefusal(last, "ARTIFACT_MISSING");
    });

    it("leaves all as it was when the disk is full", async function () {
      if (!SmallDisk.isPossible()) {
        this.skip();
      }
      await scene.write("uploads/big", "x".repeat(500_000));
      const name = await scene.backUp();
      const into = scene.at("small");
      await mkdir(into);
      const disk = SmallDisk.mount(into, 200_000);
      try {
        const error = await refusalOf(
          async () => await scene.restore(name, { into }),
        );
        expect(error.code).to.equal("NOT_WRITABLE");
        expect(await readdir(into)).to.deep.equal([]);
      } finally {
        disk.unmount();
      }
    });

    it("leaves all as it was when it is interrupted", async () => {
      const controller = new AbortController();
      controller.abort(new DrError("RESTORE_INTERRUPTED", {}));
      const before = await describeFolder(folder.path);
      expect(
        await codeOf(
          async () => await scene.restore(names[2]!, {}, controller.signal),
        ),
      ).to.equal("RESTORE_INTERRUPTED");
      expect(await describeFolder(folder.path)).to.deep.equal(before);
    });

    it("tells how far it is, whatever it reads", async () => {
      const [full, middle, last] = names as [string, string, string];
      const meter = new RecordingMeter();
      const checks = [last, middle, full].map((name) => `checking ${name}`);
      const prepared = await scene.prepare(last, { meter });
      expect(meter.complete).to.deep.equal([...checks, `opening ${last}`]);
      meter.passes.length = 0;
      const { context, config } = scene;
      const { signal } = new AbortController();
      await restoreFiles(prepared, {
        keys: artifactKeys(config),
        clock: context.clock,
        record: scene.record,
        signal,
        meter,
      });
      expect(meter.complete).to.deep.equal([
        ...[full, middle, last].map((name) => `opening ${name}`),
        "comparing what came out of it",
      ]);
      // Four files: each byte of them counts.
      expect(meter.passes.at(-1)!.totalBytes).to.equal(
        "onetwothreefour".length,
      );
    });

    it("shows before what it will do, and writes nothing for it", async () => {
      const before = await describeFolder(folder.path);
      const prepared = await scene.prepare(names[2]!);
      expect(prepared.chain.map(({ name }) => name)).to.deep.equal(
        names.toReversed(),
      );
      expect(prepared.places).to.deep.equal([
        { root: "uploads", to: scene.at("uploads"), isThere: true },
      ]);
      expect(await describeFolder(folder.path)).to.deep.equal(before);
    });
  });

  it("is unpacked where nobody else can look, and clears away what a killed one left", async () => {
    const name = await scene.backUp();
    const left = abandonedBeside(scene.at("restore"));
    await mkdir(join(left, "uploads"), { recursive: true });
    const modes: number[] = [];
    const watching = {
      throwIfAborted: () => {
        const names = readdirSync(folder.path);
        const stages = names.filter((one) => one.endsWith(".tmp"));
        modes.push(
          ...stages.map((one) => statSync(scene.at(one)).mode & 0o777),
        );
      },
    } as unknown as AbortSignal;
    await scene.restore(name, {}, watching);
    expect(modes).to.deep.equal([0o700, 0o700]);
    expect(await readdir(folder.path)).to.satisfy((names: string[]) =>
      names.every((one) => !one.endsWith(".tmp")),
    );
  });

  for (const deadly of ["opening", "comparing"]) {
    it(`leaves nothing that the next one doesn't take away, killed while ${deadly}`, async () => {
      const name = await scene.backUp();
      const before = await describeFolder(folder.path);
      const worker = join(import.meta.dirname, "restore-worker.ts");
      const section = JSON.stringify(scene.section);
      await runKilled(worker, [folder.path, section, name, deadly]);
      const left = Object.keys(await describeFolder(folder.path)).filter(
        (path) => before[path] === undefined,
      );
      expect(left[0]).to.match(/^\.restore\..*\.tmp$/);
      await rm(scene.at("uploads"), { recursive: true });
      await scene.restore(name);
      expect(Object.keys(await describeFolder(folder.path))).to.deep.equal(
        Object.keys(before),
      );
    });
  }

  it("goes only where the configuration says, or where it is told to", async () => {
    const name = await scene.backUp();
    await expectRefusal(name, "RESTORE_PLACE_UNKNOWN", {
      configured: ["other"],
    });
    const into = scene.at("there");
    await scene.restore(name, { into, configured: [] });
    expect(await readdir(into)).to.deep.equal(["uploads"]);
  });

  describe("of other people's files", () => {
    const NOBODY = 65_534;
    // The last is more than a tar's header can say.
    const owners: Readonly<Record<string, readonly [number, number]>> = {
      uploads: [33, 34],
      "uploads/a.txt": [1000, 1001],
      "uploads/inner": [1002, 0],
      "uploads/inner/b.txt": [300_000, 4_000_000_000],
      "uploads/link": [1003, 1004],
    };

    before(function () {
      requireRoot(this);
    });

    beforeEach(async () => {
      await symlink("a.txt", scene.at("uploads/link"));
      await chmod(scene.at("uploads/inner"), 0o2775);
      await own(owners);
    });

    async function own(them: typeof owners): Promise<void> {
      for (const [path, [uid, gid]] of Object.entries(them)) {
        await lchown(scene.at(path), uid, gid);
      }
    }

    async function ownersIn(root: string): Promise<typeof owners> {
      const all = Object.keys(owners).map(async (path) => {
        const { uid, gid } = await lstat(join(root, path));
        return [path, [uid, gid]] as const;
      });
      return Object.fromEntries(await Promise.all(all));
    }

    it("gives them back to them, as root", async () => {
      const name = await scene.backUp();
      const before = await describeFolder(scene.at("uploads"));
      await rm(scene.at("uploads"), { recursive: true });
      await scene.restore(name);
      expect(await ownersIn(folder.path)).to.deep.equal(owners);
      expect(await describeFolder(scene.at("uploads"))).to.deep.equal(before);
    });

    it("gives each to whom it belonged last", async () => {
      await scene.backUp();
      await own({ "uploads/a.txt": [7, 8], "uploads/inner": [9, 10] });
      const name = await scene.backUp();
      await scene.restore(name);
      expect(await ownersIn(folder.path)).to.deep.equal({
        ...owners,
        "uploads/a.txt": [7, 8],
        "uploads/inner": [9, 10],
      });
    });

    it("keeps them on another disk", async function () {
      if (!SmallDisk.isPossible()) {
        this.skip();
      }
      const name = await scene.backUp();
      const to = scene.at("uploads");
      await rm(to, { recursive: true });
      await mkdir(to);
      const disk = SmallDisk.mount(to, 1_000_000);
      try {
        await scene.restore(name);
        // What the disk is mounted on stays what it is.
        expect(await ownersIn(folder.path)).to.deep.equal({
          ...owners,
          uploads: [0, 0],
        });
      } finally {
        disk.unmount();
      }
    });

    it("makes them its own, as somebody else", async () => {
      const name = await scene.backUp();
      await chown(folder.path, NOBODY, NOBODY);
      for (const path of await readdir(scene.folder)) {
        await chown(join(scene.folder, path), NOBODY, NOBODY);
      }
      for (const path of ["backups", "backups/files"]) {
        await chown(scene.at(path), NOBODY, NOBODY);
      }
      process.setegid!(NOBODY);
      process.seteuid!(NOBODY);
      try {
        await scene.restore(name, { into: scene.at("there") });
      } finally {
        process.seteuid!(0);
        process.setegid!(0);
      }
      const found = Object.values(await ownersIn(scene.at("there")));
      expect(new Set(found.flat())).to.deep.equal(new Set([NOBODY]));
    });
  });

  it("is for files and configuration", async () => {
    for (const name of [
      "takumi_db_20240115_140000.sql.gz",
      "contract_snapshot_20240115_140000.tar.zst",
      "README.md",
    ]) {
      await expectRefusal(name, "BACKUP_KIND_OTHER");
    }
    await expectRefusal("../x", "ARTIFACT_NAME_INVALID");
  });

  describe("of what somebody made up", () => {
    const FILE: IndexEntry = {
      type: "file",
      path: "uploads/a.txt",
      mode: 0o644,
      sizeBytes: 3,
      modifiedAt: "2024-01-15T14:00:00.000Z",
      sha256: sha256("one"),
      stamp: "",
    };
    const ROOT: IndexEntry = {
      type: "directory",
      path: "uploads",
      mode: 0o755,
    };

    async function makeUp(
      index: Partial<FileIndex>,
      packed: readonly Partial<ArchiveEntry>[],
      changes: Readonly<Record<string, Json>> = {},
    ): Promise<string> {
      const { config, clock, tool } = scene.context;
      const bytes = encodeFileIndex({
        startedAt: "2024-01-15T14:00:00.000Z",
        roots: ["uploads"],
        entries: [ROOT, FILE],
        leftOut: [],
        ...index,
      });
      const text = (path: string, content: string | Buffer) => ({
        path,
        type: "file" as const,
        mode: 0o644,
        modifiedAt: scene.now,
        sizeBytes: content.length,
        open: () => Readable.from([Buffer.from(content)]),
      });
      const entries = packed.map((entry) => ({
        ...text("uploads/a.txt", "one"),
        ...entry,
      })) as ArchiveEntry[];
      const { manifest } = await writeArtifact(
        await openPlace(config, "files", clock, tool),
        {
          kind: "files",
          stream: packArchive([...entries, text("_index.json", bytes)]),
          describe: () => ({
            contents: {
              index: {
                sizeBytes: bytes.length,
                sha256: sha256(bytes.toString()),
              },
              ...changes,
            },
            recoveryPoint: {},
          }),
        },
      );
      return manifest.artifact;
    }

    const folderEntry = {
      path: "uploads",
      type: "directory",
      mode: 0o755,
    } as const;

    it("works when it is right", async () => {
      await scene.restore(await makeUp({}, [folderEntry, {}]));
      expect(await readdir(scene.at("uploads"))).to.deep.equal(["a.txt"]);
    });

    const wrongs: Readonly<
      Record<
        string,
        [string, Partial<FileIndex>, readonly Partial<ArchiveEntry>[]]
      >
    > = {
      "a file that isn't in it": ["ARTIFACT_DAMAGED", {}, [folderEntry]],
      "a file of another mode": [
        "ARTIFACT_DAMAGED",
        {},
        [folderEntry, { mode: 0o755 }],
      ],
      "a file of other bytes": [
        "ARTIFACT_DAMAGED",
        { entries: [ROOT, { ...FILE, sha256: sha256("two") }] },
        [folderEntry, {}],
      ],
      "a folder of another mode": [
        "ARTIFACT_DAMAGED",
        {},
        [{ ...folderEntry, mode: 0o700 }, {}],
      ],
      "a file in an artifact that it doesn't build on": [
        "ARTIFACT_DAMAGED",
        { entries: [ROOT, { ...FILE, artifact: "another" }] },
        [folderEntry, {}],
      ],
      "a folder that leads out": [
        "ARTIFACT_NOT_OPENED",
        { roots: ["../uploads"] },
        [folderEntry, {}],
      ],
      "a file that leads out": [
        "ARTIFACT_NOT_OPENED",
        { entries: [ROOT, { ...FILE, path: "/etc/passwd" }] },
        [folderEntry, {}],
      ],
      "a link out": [
        "ARCHIVE_ENTRY_REFUSED",
        {
          entries: [ROOT, { type: "link", path: "uploads/l", target: "/etc" }],
        },
        [folderEntry, { path: "uploads/l", type: "link", target: "/etc" }],
      ],
      "a path out of the archive": [
        "ARCHIVE_ENTRY_REFUSED",
        {},
        [folderEntry, { path: "../outside" }],
      ],
    };
    for (const [what, [code, index, packed]] of Object.entries(wrongs)) {
      it(`is refused with ${what}`, async () => {
        const name = await makeUp(index, packed);
        await expectRefusal(name, code);
        await expectRefusal(name, code, { into: scene.at("elsewhere/deep") });
      });
    }

    it("holds no more than its index says", async () => {
      const name = await makeUp({}, [
        folderEntry,
        {},
        { path: "uploads/more" },
      ]);
      await scene.restore(name);
      expect(await readdir(scene.at("uploads"))).to.deep.equal(["a.txt"]);
    });

    it("is refused without an index, or with another one", async () => {
      const index = { sizeBytes: 5, sha256: sha256("index") };
      await expectRefusal(
        await makeUp({}, [folderEntry, {}], { index }),
        "ARCHIVE_ENTRY_REFUSED",
      );
      scene.pass(60);
      const right = { sizeBytes: 10_000, sha256: sha256("index") };
      await expectRefusal(
        await makeUp({}, [folderEntry, {}], { index: right }),
        "ARTIFACT_DAMAGED",
      );
      scene.pass(60);
      await expectRefusal(
        await makeUp({}, [folderEntry, {}], { index: "none" }),
        "ARTIFACT_NOT_OPENED",
      );
    });
  });
});

function sha256(text: string): string {
  const measure = new Measure();
  measure.add(Buffer.from(text));
  return measure.extent().sha256;
}
