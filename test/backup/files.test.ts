import { execFileSync } from "node:child_process";
import {
  appendFile,
  chmod,
  link,
  lstat,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  truncate,
  utimes,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import { generateKey } from "../../src/artifact/generate-keys.js";
import { backUpFiles } from "../../src/backup/files.js";
import { codeOf, refusalOf } from "../deployments/refusal.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { requirePrograms } from "../helpers/programs.js";
import { RecordingMeter } from "../helpers/recording-meter.js";
import { describeFolder, FileScene } from "./file-scene.js";

describe("a backup of files", () => {
  const folder = useTemporaryFolder();
  let scene: FileScene;

  beforeEach(async () => {
    scene = new FileScene(folder.path);
    await scene.write("uploads/avatars/ada.png", "ada");
    await scene.write("uploads/avatars/bob.png", "bob", 0o600);
    await scene.write("uploads/run.sh", "#!/bin/sh\n", 0o750);
    await mkdir(scene.at("uploads/empty"));
    await chmod(scene.at("uploads/empty"), 0o2570);
    await scene.write("uploads/nothing", "");
    await symlink("avatars/ada.png", scene.at("uploads/latest"));
    await symlink("nowhere", scene.at("uploads/dangling"));
  });

  /** What tar finds in an artifact. */
  function list(name: string): readonly string[] {
    const script = `zstd -dc "$1" | tar -tf -`;
    const path = join(scene.folder, name);
    return execFileSync("sh", ["-c", script, "sh", path])
      .toString()
      .trim()
      .split("\n");
  }

  /** The files in an artifact. */
  function files(name: string): readonly string[] {
    return list(name).filter(
      (path) => /\.(png|sh|txt|bin)$/.test(path) && !path.endsWith("/"),
    );
  }

  it("tells beforehand how much there is to pack, and then how far it is", async () => {
    const totals = [];
    for (const change of ["", "four"]) {
      if (change !== "") {
        await scene.write("uploads/new.txt", change);
      }
      const meter = new RecordingMeter();
      await backUpFiles({ ...scene.context, meter });
      const [{ totalBytes, reached }] = meter.passes as [
        RecordingMeter["passes"][number],
      ];
      // The archive has headers, too.
      expect(reached.at(-1)).to.be.greaterThan(totalBytes!);
      totals.push(totalBytes);
      scene.pass(10);
    }
    expect(totals).to.deep.equal([
      "ada".length + "bob".length + "#!/bin/sh\n".length,
      "four".length,
    ]);
  });

  describe("and its restore", () => {
    it("bring everything back as it was, and keep what was there", async () => {
      const name = await scene.backUp();
      const before = await describeFolder(scene.at("uploads"));
      await rm(scene.at("uploads/avatars"), { recursive: true });
      await scene.write("uploads/new.txt", "new");
      const ruined = await describeFolder(scene.at("uploads"));
      const [replaced] = await scene.restore(name);
      expect(await describeFolder(scene.at("uploads"))).to.deep.equal(before);
      expect(replaced!.to).to.equal(scene.at("uploads"));
      expect(replaced!.aside).to.match(/uploads\.before-\d{8}_\d{6}$/);
      expect(await describeFolder(replaced!.aside!)).to.deep.equal(ruined);
      const left = await readdir(folder.path);
      expect(left.filter((one) => one.endsWith(".tmp"))).to.deep.equal([]);
    });

    it("bring back each day of a week, with what was deleted and renamed", async () => {
      const long = new Date("2020-01-01T00:00:00Z");
      await utimes(scene.at("uploads/avatars"), long, long);
      const days: { name: string; was: unknown }[] = [];
      const changes = [
        async () => {
          await scene.write("uploads/avatars/cleo.png", "cleo");
          await utimes(scene.at("uploads/avatars"), long, long);
        },
        async () => {
          await rm(scene.at("uploads/avatars/ada.png"));
          await chmod(scene.at("uploads/run.sh"), 0o700);
        },
        async () => {
          await rename(scene.at("uploads/avatars"), scene.at("uploads/faces"));
          await rm(scene.at("uploads/empty"), { recursive: true });
        },
        async () => {
          await rm(scene.at("uploads/run.sh"));
          await mkdir(scene.at("uploads/run.sh"));
          await scene.write("uploads/run.sh/inner.txt", "a folder now");
          await rm(scene.at("uploads/latest"));
          await scene.write("uploads/latest", "a file now");
        },
        async () => {
          await rm(scene.at("uploads/run.sh"), { recursive: true });
          await scene.write("uploads/run.sh", "a file again");
        },
      ];
      days.push({
        name: await scene.backUp(),
        was: await describeFolder(scene.at("uploads")),
      });
      for (const change of changes) {
        await change();
        const name = await scene.backUp();
        expect(await scene.baseOf(name)).to.equal(days.at(-1)!.name);
        days.push({ name, was: await describeFolder(scene.at("uploads")) });
      }
      for (const { name, was } of days.toReversed()) {
        const into = scene.at(`there-${name}`);
        await scene.restore(name, { into });
        expect(await describeFolder(join(into, "uploads")), name).to.deep.equal(
          was,
        );
        expect(await readdir(into)).to.deep.equal(["uploads"]);
      }
    });

    it("keep folders of one name apart, and those outside of the project", async () => {
      const outside = join(folder.path, "outside/uploads");
      scene = new FileScene(scene.at("project"), {
        files: ["uploads", "data/uploads", "../outside/uploads", outside],
      });
      await scene.write("uploads/a.txt", "one");
      await scene.write("data/uploads/a.txt", "two");
      await mkdir(outside, { recursive: true });
      await writeFile(join(outside, "a.txt"), "three");
      const name = await scene.backUp();
      expect(
        list(name).filter((path) => path.endsWith("a.txt")),
      ).to.have.length(3);
      await rm(outside, { recursive: true });
      await scene.write("data/uploads/a.txt", "ruined");
      await scene.restore(name);
      expect(await readFile(join(outside, "a.txt"), "utf8")).to.equal("three");
      expect(await readFile(scene.at("uploads/a.txt"), "utf8")).to.equal("one");
      expect(await readFile(scene.at("data/uploads/a.txt"), "utf8")).to.equal(
        "two",
      );
    });

    it("go through a link to the folder, which stays a link", async () => {
      await rename(scene.at("uploads"), scene.at("volume"));
      await symlink("volume", scene.at("uploads"));
      const name = await scene.backUp();
      const before = await describeFolder(scene.at("volume"));
      await rm(scene.at("volume/run.sh"));
      await scene.restore(name);
      expect((await lstat(scene.at("uploads"))).isSymbolicLink()).to.equal(
        true,
      );
      expect(await describeFolder(scene.at("volume"))).to.deep.equal(before);
    });

    it("work encrypted, and signed", async () => {
      const { shown } = await generateKey("signing", scene.at("signing.pem"));
      scene = await FileScene.encrypted(folder.path, {
        signing: { keyFile: "signing.pem", trusted: [shown] },
      });
      const full = await scene.backUp();
      await scene.write("uploads/new.txt", "new");
      const next = await scene.backUp();
      expect(await scene.baseOf(next)).to.equal(full);
      const before = await describeFolder(scene.at("uploads"));
      await rm(scene.at("uploads"), { recursive: true });
      await scene.restore(next);
      expect(await describeFolder(scene.at("uploads"))).to.deep.equal(before);
    });
  });

  it("is read by zstd and tar, without this tool", async function () {
    requirePrograms(this, "zstd", "tar");
    const full = await scene.backUp();
    await scene.write("uploads/new.txt", "new");
    const next = await scene.backUp();
    const target = scene.at("by-hand");
    await mkdir(target);
    for (const name of [full, next]) {
      const script = `zstd -dc "$1" | tar -xpf - -C "$2"`;
      const path = join(scene.folder, name);
      execFileSync("sh", ["-c", script, "sh", path, target], {
        stdio: "ignore",
      });
    }
    expect(await describeFolder(join(target, "uploads"))).to.deep.equal(
      await describeFolder(scene.at("uploads")),
    );
  });

  it("names neither files nor what is in them in its manifest", async () => {
    await symlink("/etc/secret-place", scene.at("uploads/secret-name"));
    const name = await scene.backUp();
    const text = await readFile(
      join(scene.folder, `${name}.manifest.json`),
      "utf8",
    );
    expect(text).to.include('"files":4').and.include('"leftOut":1');
    expect(text).to.not.match(/ada\.png|secret/);
  });

  describe("that is incremental", () => {
    it("holds what changed and nothing else", async function () {
      requirePrograms(this, "zstd", "tar");
      const full = await scene.backUp();
      expect(files(full)).to.have.length(3);
      expect(files(await scene.backUp())).to.deep.equal([]);
      await scene.write("uploads/new.txt", "new");
      await appendFile(scene.at("uploads/run.sh"), "exit\n");
      expect(files(await scene.backUp())).to.deep.equal([
        "uploads/new.txt",
        "uploads/run.sh",
      ]);
    });

    it("misses no change, whatever a program does to hide it", async function () {
      requirePrograms(this, "zstd", "tar");
      const at = scene.at("uploads/run.sh");
      const tricks: Record<string, () => Promise<void>> = {
        "same size and time": async () => {
          const { atime, mtime } = await lstat(at);
          await writeFile(at, "#!/bin/ss\n");
          await utimes(at, atime, mtime);
        },
        "another file in its place, of the same size and time": async () => {
          const { atime, mtime } = await lstat(at);
          await writeFile(scene.at("other"), "#!/bin/st\n");
          await utimes(scene.at("other"), atime, mtime);
          await rename(scene.at("other"), at);
        },
        "permissions alone": async () => {
          await chmod(at, 0o711);
        },
      };
      await scene.backUp();
      for (const [trick, play] of Object.entries(tricks)) {
        await play();
        expect(files(await scene.backUp()), trick).to.deep.equal([
          "uploads/run.sh",
        ]);
      }
    });

    it("holds again what was changed right before the last one", async function () {
      requirePrograms(this, "zstd", "tar");
      // The clock stands at the files' own time.
      const { ctimeMs } = await lstat(scene.at("uploads/run.sh"));
      scene.now = new Date(ctimeMs + 1000 - 86_400_000);
      await scene.backUp();
      expect(files(await scene.backUp())).to.have.length(3);
      expect(files(await scene.backUp())).to.have.length(0);
    });

    it("gives way to a full one when that is due", async () => {
      const notices = async (isFull = false) => {
        scene.pass(3600);
        return (await backUpFiles(scene.context, isFull)).notices.join();
      };
      expect(await notices()).to.include("it is the first");
      expect(await notices()).to.include("Since takumi_files_");
      expect(await notices(true)).to.include("it was asked for");
      scene.pass(7 * 86_400 - 3600);
      expect(await notices()).to.include("7 days old");
      for (let made = 0; made < 30; made += 1) {
        expect(await notices()).to.include("Since takumi_files_");
      }
      expect(await notices()).to.include("30 build on the last");
      scene.pass(-5000);
      expect(await notices()).to.include("a clock is wrong");
    });

    it("gives way to a full one when it can't build on the last", async () => {
      const full = await scene.backUp();
      const path = join(scene.folder, full);
      const good = await readFile(path);
      const state = join(scene.folder, ".index.json");
      const index = await readFile(state, "utf8");
      const notices = async () => {
        scene.pass(60);
        const { notices, artifacts } = await backUpFiles(scene.context);
        await rm(artifacts[0]!.path);
        await rm(`${artifacts[0]!.path}.manifest.json`);
        await writeFile(state, index);
        return notices.join();
      };
      await writeFile(state, index.replace("uploads", "uplouds"));
      expect(await notices()).to.include("isn't the last one's");
      await rm(state);
      expect(await notices()).to.include("isn't at hand");
      await truncate(path, 100);
      expect(await notices()).to.include("isn't what was written");
      await writeFile(path, good);
      expect(await notices()).to.include(`Since ${full}`);
      const next = await scene.backUp();
      await rm(path);
      expect(await notices()).to.include(`none can build on ${next}`);
    });

    it("gives way to a full one when keys change", async () => {
      await scene.backUp();
      const notices = async () => {
        scene.pass(60);
        return (await backUpFiles(scene.context)).notices.join();
      };
      await generateKey("encryption", scene.at("one.key"));
      await generateKey("encryption", scene.at("two.key"));
      scene = new FileScene(folder.path, {
        encryption: { keyFile: "one.key" },
      });
      scene.pass(2 * 86_400);
      expect(await notices()).to.include("another key");
      expect(await notices()).to.include("Since takumi");
      const { now } = scene;
      scene = new FileScene(folder.path, {
        encryption: { keyFile: "two.key", oldKeyFiles: ["one.key"] },
      });
      scene.now = now;
      expect(await notices()).to.include("another key");
    });
  });

  describe("is refused", () => {
    async function refusal(files: readonly string[]) {
      scene = new FileScene(folder.path, { files });
      const error = await refusalOf(async () => await scene.backUp());
      expect(await readdir(folder.path)).to.not.include("backups");
      return error;
    }

    it("for a folder that isn't there, or is none", async () => {
      const missing = await refusal(["uploads", "missing"]);
      expect(missing.code).to.equal("BACKUP_SOURCE_UNREADABLE");
      expect(missing.message).to.include(scene.at("missing"));
      const file = await refusal(["uploads/run.sh"]);
      expect(file.code).to.equal("BACKUP_SOURCE_REFUSED");
    });

    it("for the project, what holds it, and what holds backups or lies in them", async () => {
      for (const files of [["."], [".."], ["/"], ["_outside"]]) {
        await mkdir(scene.at("_outside"), { recursive: true });
        expect((await refusal(files)).code, files.join()).to.equal(
          "BACKUP_SOURCE_REFUSED",
        );
      }
      scene = new FileScene(folder.path, {
        files: ["uploads"],
        paths: { backups: "uploads/empty/backups" },
      });
      expect(await codeOf(async () => await scene.backUp())).to.equal(
        "BACKUP_SOURCE_REFUSED",
      );
      scene = new FileScene(scene.at("uploads/avatars"), {
        files: [".."],
        paths: { backups: scene.at("backups") },
      });
      expect(await codeOf(async () => await scene.backUp())).to.equal(
        "BACKUP_SOURCE_REFUSED",
      );
      scene = new FileScene(folder.path);
      await mkdir(scene.at("all/backups/mine"), { recursive: true });
      scene = new FileScene(folder.path, {
        files: ["all/backups/mine"],
        paths: { backups: "all/backups" },
      });
      expect(await codeOf(async () => await scene.backUp())).to.equal(
        "BACKUP_SOURCE_REFUSED",
      );
    });

    it("when a key lies in it, by whatever name, or a copy of one", async () => {
      const ways: Record<string, (key: string) => Promise<void>> = {
        itself: async (key) => {
          await rename(key, scene.at("uploads/backup.key"));
          await symlink("uploads/backup.key", key);
        },
        "a hard link": async (key) => {
          await link(key, scene.at("uploads/other"));
        },
        "a copy": async (key) => {
          await writeFile(scene.at("uploads/copy"), await readFile(key));
        },
      };
      for (const [way, place] of Object.entries(ways)) {
        for (const option of ["keyFile", "identityFile", "oldKeyFiles"]) {
          const root = scene.at(`${way}-${option}`);
          await mkdir(join(root, "uploads"), { recursive: true });
          const outer = scene;
          scene = await FileScene.encrypted(root);
          await generateKey("age", scene.at("other.key"));
          scene = new FileScene(root, {
            encryption: {
              keyFile: "backup.key",
              ...(option === "oldKeyFiles"
                ? { oldKeyFiles: ["other.key"] }
                : { [option]: "other.key" }),
              ...(option === "keyFile" ? { keyFile: "backup.key" } : {}),
            },
          });
          await place(
            scene.at(option === "keyFile" ? "backup.key" : "other.key"),
          );
          expect(
            await codeOf(async () => await scene.backUp()),
            `${way}, ${option}`,
          ).to.equal("BACKUP_HOLDS_KEY");
          expect(await readdir(scene.folder)).to.deep.equal([]);
          scene = outer;
        }
      }
    });
  });

  it("leaves out what no restore would make, and says so", async () => {
    await symlink("/etc/passwd", scene.at("uploads/out"));
    execFileSync("mkfifo", [scene.at("uploads/pipe")]);
    if (process.platform === "linux") {
      const name = Buffer.from("no-utf-\xff", "latin1");
      const path = Buffer.concat([Buffer.from(scene.at("uploads/")), name]);
      await writeFile(path, "x");
    }
    scene.pass(60);
    const { notices, artifacts } = await backUpFiles(scene.context);
    expect(notices.join("\n"))
      .to.include("Without uploads/out: it is a link to /etc/passwd")
      .and.include("Without uploads/pipe: it is neither");
    if (process.platform === "linux") {
      expect(notices.join("\n")).to.match(/no-utf-.: its name isn't UTF-8/);
    }
    const into = scene.at("there");
    await scene.restore(artifacts[0]!.name, { into });
    expect(await readdir(join(into, "uploads"))).to.not.include.members([
      "out",
      "pipe",
    ]);
  });
});
