import { chmod, chown, lstat, mkdir, readdir, symlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

import { expect } from "chai";

import {
  removeAbandoned,
  temporaryBeside,
} from "../../src/core/temporary-file.js";
import { makeTemporaryFolder } from "../../src/core/temporary-folder.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { abandonedBeside } from "../helpers/abandoned.js";
import { requireRoot } from "../helpers/root.js";
import { useTmpdir } from "../helpers/tmpdir.js";

const NOBODY = 65_534;

describe("a temporary folder", () => {
  const folder = useTemporaryFolder();
  useTmpdir(folder);

  const at = (name: string) => join(folder.path, name);

  it("is for its user alone", async () => {
    const made = await makeTemporaryFolder("snapshot");
    expect(dirname(made)).to.equal(folder.path);
    expect((await lstat(made)).mode & 0o777).to.equal(0o700);
    expect(await makeTemporaryFolder("snapshot")).to.not.equal(made);
  });

  it("takes away what killed processes left, and nobody else's", async () => {
    const living = temporaryBeside(at("snapshot"));
    const abandoned = abandonedBeside(at("snapshot"));
    const elsewhere = abandonedBeside(at("snapshot")).replace(
      /[0-9a-f]{8}-/,
      "00000000-",
    );
    const kept = [living, elsewhere, at("somebody"), at(".a.tmp")];
    for (const path of [abandoned, ...kept]) {
      await mkdir(join(path, "inner"), { recursive: true });
    }
    await symlink(at("somebody"), join(abandoned, "link"));
    const made = await makeTemporaryFolder("test");
    expect(await readdir(folder.path)).to.have.members(
      [...kept, made].map((path) => basename(path)),
    );
    expect(await readdir(at("somebody"))).to.deep.equal(["inner"]);
  });

  it("takes away folders, too, that can't be written to", async () => {
    const abandoned = abandonedBeside(at("snapshot"));
    if (process.geteuid!() === 0) {
      // Root can write to any.
      await chown(folder.path, NOBODY, NOBODY);
      process.seteuid!(NOBODY);
    }
    try {
      await mkdir(join(abandoned, "closed/inner"), { recursive: true });
      await chmod(join(abandoned, "closed"), 0o500);
      await chmod(abandoned, 0o500);
      await removeAbandoned(folder.path);
      expect(await readdir(folder.path)).to.deep.equal([]);
    } finally {
      process.seteuid!(process.getuid!());
    }
  });

  it("leaves another user's alone, who may put a link in it meanwhile", async function () {
    requireRoot(this);
    const abandoned = abandonedBeside(at("snapshot"));
    await mkdir(abandoned);
    await chown(abandoned, NOBODY, NOBODY);
    await makeTemporaryFolder("test");
    expect(await readdir(folder.path)).to.include(basename(abandoned));
  });
});
