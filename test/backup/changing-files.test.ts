import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  appendFile,
  mkdir,
  readdir,
  readFile,
  rm,
  symlink,
  truncate,
} from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";

import { expect } from "chai";

import type { KeyGuard } from "../../src/backup/key-guard.js";
import { RootPacker } from "../../src/backup/pack-roots.js";
import { openPlace } from "../../src/backup/place.js";
import { openSteadily, type OpenFile } from "../../src/backup/read-steadily.js";
import { openRoots } from "../../src/backup/roots.js";
import { writeRoots } from "../../src/backup/write-roots.js";
import { DrError } from "../../src/core/errors.js";
import { codeOf } from "../deployments/refusal.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { FileScene } from "./file-scene.js";

const BIG_BYTES = 3_000_000;

const nothing = async () => {
  await Promise.resolve();
};

/** Does something to a file after its first bytes were read. @returns all bytes. */
async function readDuring(
  file: OpenFile,
  deed: () => Promise<void>,
): Promise<number> {
  let length = 0;
  for await (const chunk of file.read()) {
    if (length === 0) {
      await deed();
    }
    length += chunk.length;
  }
  return length;
}

describe("a file that isn't still", () => {
  const folder = useTemporaryFolder();
  let scene: FileScene;
  let big: string;

  beforeEach(async () => {
    scene = new FileScene(folder.path);
    await scene.write("uploads/a.txt", "first");
    await scene.write("uploads/big.bin", "x".repeat(BIG_BYTES));
    await scene.write("uploads/z.txt", "last");
    big = scene.at("uploads/big.bin");
  });

  async function open(at: string): Promise<OpenFile> {
    return (await openSteadily(at, "it"))!;
  }

  for (const [size, name] of [
    [BIG_BYTES, "uploads/big.bin"],
    [5, "uploads/a.txt"],
  ] as const) {
    it(`is read as it was when it was opened, of ${String(size)} bytes`, async () => {
      const still = await open(scene.at(name));
      expect(await readDuring(still, nothing)).to.equal(size);
      expect(await still.isSteady()).to.equal(true);
      await still.close();
    });
  }

  it("is read no further than it went when it was opened", async () => {
    const file = await open(big);
    const length = await readDuring(file, async () => {
      await appendFile(big, "more");
    });
    expect(length).to.equal(BIG_BYTES).and.to.equal(file.sizeBytes);
    expect(await file.isSteady()).to.equal(false);
    await file.close();
  });

  it("isn't read to an end that it doesn't have any more", async () => {
    const file = await open(big);
    expect(
      await codeOf(
        async () =>
          await readDuring(file, async () => {
            await truncate(big, 9);
          }),
      ),
    ).to.equal("FILE_CHANGING");
    await file.close();
  });

  it("is read to the length that is said of it, however often it changes", async () => {
    const at = scene.at("uploads/a.txt");
    const writer = spawn("sh", [
      "-c",
      'while :; do echo more >> "$1"; : > "$1"; done',
      "sh",
      at,
    ]);
    try {
      for (let times = 0; times < 50; times += 1) {
        const file = await open(at);
        expect(await readDuring(file, nothing)).to.equal(file.sizeBytes);
        await file.close();
      }
    } finally {
      writer.kill("SIGKILL");
      await once(writer, "close");
    }
  });

  it("isn't read when something else is in its place, or gone", async () => {
    const places: Record<string, (at: string) => void | Promise<void>> = {
      link: async (at) => {
        await symlink("/etc/passwd", at);
      },
      pipe: (at) => {
        execFileSync("mkfifo", [at]);
      },
      folder: async (at) => {
        await mkdir(at);
      },
    };
    for (const [what, place] of Object.entries(places)) {
      const at = scene.at(what);
      await place(at);
      expect(await codeOf(async () => await open(at)), what).to.equal(
        "FILE_CHANGING",
      );
    }
    expect(await openSteadily(scene.at("gone"), "it")).to.equal(undefined);
    expect(await codeOf(async () => await open(`${big}/within`))).to.equal(
      "BACKUP_SOURCE_UNREADABLE",
    );
  });

  it("is told of, and in the next backup again", async () => {
    const packer = await packing();
    for await (const entry of packer.entries()) {
      if (entry.type === "file") {
        for await (const chunk of entry.open()) {
          if (entry.path === "uploads/big.bin") {
            expect(chunk).to.be.instanceOf(Buffer);
            await appendFile(big, "more");
          }
        }
      }
    }
    const { index, changing } = packer.result();
    expect(changing).to.deep.equal(["uploads/big.bin"]);
    const base = { artifact: "the last", index };
    const next = await packing(base);
    const held: string[] = [];
    for await (const entry of next.entries()) {
      if (entry.type === "file") {
        held.push(entry.path);
        await buffer(entry.open());
      }
    }
    expect(held).to.deep.equal(["uploads/big.bin", "_index.json"]);
  });

  async function packing(base?: ConstructorParameters<typeof RootPacker>[3]) {
    const noKeys: KeyGuard = { requireNoKey: nothing };
    return new RootPacker(await roots(), noKeys, scene.now, base);
  }

  async function roots() {
    return await openRoots(["uploads"], "folders", {
      project: scene.root,
      backups: scene.at("backups"),
    });
  }

  /** @param deed - Between a file's being found and its being opened. */
  async function write(deed: (path: string) => Promise<void>) {
    const { config, clock, tool } = scene.context;
    return await writeRoots(await openPlace(config, "files", clock, tool), {
      kind: "files",
      roots: await roots(),
      guard: { requireNoKey: deed },
    });
  }

  it("is tried once more when it became something else", async () => {
    let tries = 0;
    const { result } = await write(async (path) => {
      if (path === "uploads/z.txt") {
        tries += 1;
        await rm(scene.at(path));
        await (tries === 1
          ? symlink("a.txt", scene.at(path))
          : scene.write(path, "again"));
      }
    });
    expect(tries).to.equal(1);
    const last = result.index.entries.at(-1);
    expect(last).to.include({ path: "uploads/z.txt", type: "link" });
  });

  it("fails the backup by name when it never is the same, and leaves nothing", async () => {
    const z = scene.at("uploads/z.txt");
    const code = await codeOf(
      async () =>
        await write(async (path) => {
          if (path === "uploads/a.txt") {
            await rm(z, { recursive: true });
            await scene.write("uploads/z.txt", "a file once more");
          }
          if (path === "uploads/z.txt") {
            await rm(z);
            await mkdir(z);
          }
        }),
    );
    expect(code).to.equal("FILE_CHANGING");
    expect(await readdir(scene.folder)).to.deep.equal([]);
  });

  it("isn't tried again for any other reason", async () => {
    let tries = 0;
    const code = await codeOf(
      async () =>
        await write(async (path) => {
          await Promise.resolve();
          tries += 1;
          throw new DrError("BACKUP_HOLDS_KEY", { path, key: "it" });
        }),
    );
    expect([code, tries]).to.deep.equal(["BACKUP_HOLDS_KEY", 1]);
  });

  it("is no part of the backup when it is gone before it is read", async () => {
    const { result, written } = await write(async (path) => {
      if (path === "uploads/z.txt") {
        await rm(scene.at(path));
      }
    });
    const paths = result.index.entries.map(({ path }) => path);
    expect(paths).to.deep.equal([
      "uploads",
      "uploads/a.txt",
      "uploads/big.bin",
    ]);
    const into = scene.at("there");
    await scene.restore(written.manifest.artifact, { into });
    expect(await readFile(join(into, "uploads/a.txt"), "utf8")).to.equal(
      "first",
    );
  });
});
