import { execFileSync } from "node:child_process";
import {
  chmod,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";

import { expect } from "chai";
import { pack, type Header } from "tar-stream";

import { listFolder, packArchive } from "../../src/artifact/archive.js";
import { isInside } from "../../src/artifact/inside.js";
import { readArchived } from "../../src/artifact/read-archive.js";
import { unpackArchive } from "../../src/artifact/unpack.js";
import { DrError } from "../../src/core/errors.js";
import { codeOf } from "../deployments/refusal.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { requirePrograms } from "../helpers/programs.js";

const LIMITS = { sizeBytes: 10_000_000, entries: 1000 };
const AT = new Date("2024-01-15T14:00:00.000Z");

describe("an archive of files", () => {
  const folder = useTemporaryFolder();
  let source: string;
  let target: string;

  beforeEach(async () => {
    source = join(folder.path, "source");
    target = join(folder.path, "target");
    await mkdir(target);
    await mkdir(join(source, "avatars/empty"), { recursive: true });
    await writeFile(join(source, "avatars/ada.png"), "png");
    await writeFile(join(source, "ünïcode – name.txt"), "words");
    await writeFile(join(source, "avatars", "x".repeat(150)), "long");
    await writeFile(join(source, "run.sh"), "#!/bin/sh\n");
    await chmod(join(source, "run.sh"), 0o750);
    await writeFile(join(source, "big"), Buffer.alloc(300_000, 7));
    await symlink("avatars/ada.png", join(source, "latest"));
    await symlink("../run.sh", join(source, "avatars/up"));
    await chmod(join(source, "avatars/empty"), 0o500);
    await utimes(join(source, "run.sh"), AT, AT);
  });

  async function packed(path = source): Promise<Buffer> {
    return await buffer(packArchive(listFolder(path)));
  }

  async function unpack(bytes: Buffer, limits = LIMITS): Promise<void> {
    await unpackArchive(Readable.from([bytes]), target, limits);
  }

  /** What is in a folder, with all that matters of it. */
  async function describeFolder(path: string): Promise<readonly string[]> {
    const names = await readdir(path, { recursive: true });
    const lines = names.map(async (name) => {
      const at = join(path, name);
      const found = await lstat(at);
      const mode = (found.mode & 0o777).toString(8);
      return found.isSymbolicLink()
        ? `${name} -> ${await readlink(at)}`
        : found.isDirectory()
          ? `${name}/ ${mode}`
          : `${name} ${mode} ${String((found.mtime.getTime() / 1000) | 0)} ${(await readFile(at)).toString("base64")}`;
    });
    return (await Promise.all(lines)).toSorted();
  }

  it("comes back as it was: permissions, links, empty folders", async () => {
    await unpack(await packed());
    expect(await describeFolder(target)).to.deep.equal(
      await describeFolder(source),
    );
  });

  it("has the same bytes whenever it is made, and wherever the files lie", async () => {
    const first = await packed();
    execFileSync("cp", ["-a", source, `${source}-copy`]);
    expect(await packed(`${source}-copy`)).to.deep.equal(first);
    const paths: string[] = [];
    for await (const { path } of listFolder(source)) {
      paths.push(path);
    }
    expect(paths).to.deep.equal([
      "avatars",
      "avatars/ada.png",
      "avatars/empty",
      "avatars/up",
      `avatars/${"x".repeat(150)}`,
      "big",
      "latest",
      "run.sh",
      "ünïcode – name.txt",
    ]);
  });

  it("is read by tar, and reads what tar writes", async function () {
    requirePrograms(this, "tar");
    const bytes = await packed();
    execFileSync("tar", ["-xpf", "-", "-C", target], { input: bytes });
    const expected = await describeFolder(source);
    expect(await describeFolder(target)).to.deep.equal(expected);
    target = join(folder.path, "other");
    await mkdir(target);
    await unpack(
      execFileSync("tar", ["-cf", "-", "-C", source, "."], {
        maxBuffer: 2 ** 24,
      }),
    );
    expect(await describeFolder(target)).to.deep.equal(expected);
  });

  it("tells tar whose each is, however large the numbers", async function () {
    requirePrograms(this, "tar");
    const owners = [undefined, [33, 34], [1000, 300_000], [4_000_000_000, 5]];
    const archive = packArchive(
      owners.map((owner, index) => ({
        path: String(index),
        type: "directory",
        mode: 0o755,
        modifiedAt: AT,
        ...(owner && { owner: { uid: owner[0]!, gid: owner[1]! } }),
      })),
    );
    const bytes = await buffer(archive);
    const list = execFileSync("tar", ["--numeric-owner", "-tvf", "-"], {
      input: bytes,
    });
    expect(list.toString().match(/\d+\/\d+/g)).to.deep.equal([
      "0/0",
      "33/34",
      "1000/300000",
      "4000000000/5",
    ]);
    await unpack(bytes);
    expect(await readdir(target)).to.have.length(4);
  });

  it("doesn't take what is no file", async () => {
    execFileSync("mkfifo", [join(source, "pipe")]);
    expect(await codeOf(async () => await packed())).to.equal(
      "ARCHIVE_ENTRY_REFUSED",
    );
  });

  const evil: Readonly<Record<string, Partial<Header>>> = {
    "leads out by ..": { name: "../outside" },
    "leads out in the middle": { name: "a/../../outside" },
    "is absolute": { name: "/tmp/outside" },
    "is of Windows": { name: "C:\\outside" },
    "has a backslash": { name: "..\\outside" },
    "is a link out": { name: "a", type: "symlink", linkname: "../../etc" },
    "is a link out by another": {
      name: "a",
      type: "symlink",
      linkname: "b/../..",
    },
    "is a link up in its middle": {
      name: "a",
      type: "symlink",
      linkname: "./b/./../c",
    },
    "is a link up behind a hidden one": {
      name: "a",
      type: "symlink",
      linkname: ".../..",
    },
    "is an absolute link": { name: "a", type: "symlink", linkname: "/etc" },
    "is a hard link": { name: "a", type: "link", linkname: "../outside" },
    "is a device": { name: "a", type: "character-device" },
    "is a pipe": { name: "a", type: "fifo" },
  };
  for (const [what, header] of Object.entries(evil)) {
    it(`is refused with an entry that ${what}`, async () => {
      const archive = pack();
      archive.entry({ name: "good" }, "good");
      archive.entry(
        { name: "a", ...header },
        header.type ? undefined! : "evil",
      );
      archive.finalize();
      const bytes = await buffer(Readable.from(archive));
      expect(
        await codeOf(async () => {
          await unpack(bytes);
        }),
      ).to.equal("ARCHIVE_ENTRY_REFUSED");
      expect(await readdir(folder.path)).to.have.members(["source", "target"]);
    });
  }

  it("writes nothing through a link that it brought along", async () => {
    const archive = pack();
    archive.entry({ name: "dir", type: "symlink", linkname: "." });
    archive.entry({ name: "dir/file" }, "through");
    archive.finalize();
    const bytes = await buffer(Readable.from(archive));
    expect(
      await codeOf(async () => {
        await unpack(bytes);
      }),
    ).to.equal("ARCHIVE_BROKEN");
    expect((await lstat(join(target, "dir"))).isDirectory()).to.equal(true);
  });

  it("is refused when it holds more than it should, or the same twice", async () => {
    const bytes = await packed();
    for (const limits of [
      { ...LIMITS, sizeBytes: 300_000 },
      { ...LIMITS, entries: 5 },
    ]) {
      target = join(folder.path, `target-${String(limits.entries)}`);
      await mkdir(target);
      expect(
        await codeOf(async () => {
          await unpack(bytes, limits);
        }),
      ).to.equal("ARCHIVE_ENTRY_REFUSED");
    }
    const archive = pack();
    archive.entry({ name: "same" }, "one");
    archive.entry({ name: "same" }, "two");
    archive.finalize();
    const twice = await buffer(Readable.from(archive));
    expect(
      await codeOf(async () => {
        await unpack(twice);
      }),
    ).to.equal("NOT_WRITABLE");
  });

  it("gives only what is wanted, and writes nothing of the rest", async () => {
    const bytes = await packed();
    await unpackArchive(Readable.from([bytes]), target, {
      ...LIMITS,
      isWanted: (path) => path.startsWith("avatars/a"),
    });
    expect(await readdir(target, { recursive: true })).to.have.members([
      "avatars",
      "avatars/ada.png",
    ]);
    // What isn't wanted is looked at all the same.
    const archive = pack();
    archive.entry({ name: "../outside" }, "evil");
    archive.finalize();
    const evil = await buffer(Readable.from(archive));
    const limits = { ...LIMITS, isWanted: () => false };
    expect(
      await codeOf(async () => {
        await unpackArchive(Readable.from([evil]), target, limits);
      }),
    ).to.equal("ARCHIVE_ENTRY_REFUSED");
  });

  it("gives one file alone, once all of it was read", async () => {
    const bytes = await packed();
    const read = async (path: string, from: Readable, maxBytes = 1000) =>
      (await readArchived(from, path, maxBytes))?.toString();
    const whole = () => Readable.from([bytes]);
    expect(await read("avatars/ada.png", whole())).to.equal("png");
    expect(await read("avatars", whole())).to.equal(undefined);
    expect(await read("nothing", whole())).to.equal(undefined);
    expect(
      await codeOf(async () => await read("big", whole(), 299_999)),
    ).to.equal("ARCHIVE_ENTRY_REFUSED");
    const failing = Readable.from(
      (async function* () {
        await Promise.resolve();
        yield bytes;
        throw new DrError("ARTIFACT_DAMAGED", {
          name: "it",
          what: "digest",
          expected: "a",
          found: "b",
        });
      })(),
    );
    expect(
      await codeOf(async () => await read("avatars/ada.png", failing)),
    ).to.equal("ARTIFACT_DAMAGED");
  });

  it("keeps no permissions at all, and times that tar can't write", async () => {
    const entries = [
      { path: "closed", mode: 0, modifiedAt: new Date(4e12) },
      { path: "big", mode: 0o644, modifiedAt: new Date(-1e6) },
    ].map((entry) => ({
      ...entry,
      type: "file" as const,
      sizeBytes: 1,
      open: () => Readable.from([Buffer.from("x")]),
    }));
    await unpack(await buffer(packArchive(entries)));
    const { mode, mtimeMs } = await lstat(join(target, "closed"));
    expect(mode & 0o777).to.equal(0);
    expect(mtimeMs).to.equal((2 ** 31 - 1) * 1000);
    expect((await lstat(join(target, "big"))).mtimeMs).to.equal(0);
  });

  it("keeps names with what elsewhere separates folders", async function () {
    if (process.platform === "win32") {
      this.skip();
    }
    await writeFile(join(source, "a\\b"), "x");
    await writeFile(join(source, "avatars/..\\c"), "x");
    await unpack(await packed());
    expect(await describeFolder(target)).to.deep.equal(
      await describeFolder(source),
    );
    expect(isInside("a\\b", "win32")).to.equal(false);
  });

  it("doesn't take a name that isn't UTF-8", async function () {
    if (process.platform !== "linux") {
      this.skip();
    }
    const name = Buffer.from("b\xffd", "latin1");
    await writeFile(Buffer.concat([Buffer.from(`${source}/`), name]), "x");
    expect(await codeOf(async () => await packed())).to.equal(
      "ARCHIVE_ENTRY_REFUSED",
    );
  });

  it("is refused cut off, or damaged", async () => {
    const bytes = await packed();
    const broken = Buffer.from(bytes);
    broken[148] = 0x39; // a header's checksum
    for (const bad of [bytes.subarray(0, 100_000), broken]) {
      target = join(folder.path, `target-${String(bad.length)}`);
      await mkdir(target);
      expect(
        await codeOf(async () => {
          await unpack(bad);
        }),
      ).to.equal("ARCHIVE_BROKEN");
    }
  });
});
