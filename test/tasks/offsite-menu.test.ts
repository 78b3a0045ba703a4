import { readdir, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";

import { expect } from "chai";
import hre from "hardhat";

import { FsStorage } from "../../src/offsite/drivers/fs.js";
import { recordProof } from "../../src/offsite/proof.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { CTRL_C, DOWN, ENTER, Terminal, UP } from "../helpers/terminal.js";
import { Backups } from "../offsite/backups.js";
import { writeProject } from "./project.js";

const WHAT = /What shall be restored from (\S+)\?[^]*Exit/;
const WHICH = /Database restore: which backup\?[^]*Back/;
const LEGACY = "takumi_db_20240115_140000.sql.gz.enc";
const HOUR_MS = 3_600_000;

describe("the menu of dr:offsite:restore", () => {
  const folder = useTemporaryFolder();
  let disk: string;
  let names: readonly [old: string, recent: string];

  before(function () {
    Terminal.require(this);
  });

  beforeEach(async () => {
    disk = join(folder.path, "disk");
    const { keyFile } = await Backups.create(folder.path);
    const there = new Backups(disk, keyFile);
    const [old, recent] = [
      await there.make("database", 3),
      await there.make("database", 1),
    ].map(({ path }) => basename(path)) as [string, string];
    await writeFile(join(disk, "database", LEGACY), "from before");
    names = [old, recent];
    const key = `database/${old}`;
    const provenAt = new Date(Date.now() - 5 * HOUR_MS);
    await recordProof(
      new FsStorage({ directory: disk, prefix: "" }),
      key,
      provenAt,
      {},
    );
    await writeProject(folder.path, "http://127.0.0.1:1", {
      project: "takumi",
      encryption: { keyFile: "backup.key" },
      offsite: { targets: [{ kind: "fs", directory: "disk" }] },
    });
  });

  function open(): Terminal {
    const { root } = hre.config.paths;
    const cli = join(root, "node_modules/hardhat/dist/src/cli.js");
    const command = [process.execPath, cli, "dr:offsite:restore"];
    return Terminal.start(command, folder.path);
  }

  const restored = async () =>
    await readdir(join(folder.path, "backups/database")).catch(() => []);

  it("lists backups, shows age, size and proof of each, and restores the chosen one", async () => {
    const [old, recent] = names;
    const terminal = open();
    expect(await terminal.until(WHAT)).to.include(disk);

    terminal.type(DOWN + DOWN + ENTER);
    const list = await terminal.until(WHAT);
    expect(list).to.match(
      new RegExp(`${old} │ 3 days.* │ \\d+ bytes │ complete .* 5 hours.* ago `),
    );
    expect(list).to.match(new RegExp(`${LEGACY} .* no manifest `));

    terminal.type(ENTER);
    const choice = await terminal.until(WHICH);
    expect(choice).to.match(
      new RegExp(`${recent} {2}1 day.* old {2}\\d+ bytes {2}never restored`),
    );
    expect(choice).to.match(
      new RegExp(
        `${old} {2}3 days.* old {2}\\d+ bytes {2}restored 5 hours.* ago`,
      ),
    );
    expect(choice).to.match(
      new RegExp(`${LEGACY} .* no manifest: nothing proves it`),
    );
    expect(choice.indexOf(recent)).to.be.below(choice.indexOf(old));

    terminal.type(CTRL_C);
    await terminal.until(WHAT);
    terminal.type(ENTER);
    await terminal.until(WHICH);
    terminal.type(DOWN + ENTER);
    expect(await terminal.end(), terminal.text).to.equal(0);
    expect(await restored()).to.have.members([
      old,
      `${old}.sha256`,
      `${old}.manifest.json`,
    ]);
    expect(terminal.text)
      .to.match(new RegExp(`✔ Download from ${disk}: ${old} is here`))
      .and.match(new RegExp(`✔ Check: ${old} is whole`));
  });

  for (const [what, keys] of [
    ["Exit", UP + ENTER],
    ["Ctrl-C", CTRL_C],
  ] as const) {
    it(`leaves by ${what}, and nothing is restored`, async () => {
      const terminal = open();
      await terminal.until(WHAT);
      terminal.type(keys);
      expect(await terminal.end(), terminal.text).to.equal(0);
      expect(await restored()).to.deep.equal([]);
    });
  }

  it("goes back when none of them is it", async () => {
    await rm(join(disk, "database", LEGACY));
    const terminal = open();
    await terminal.until(WHAT);
    terminal.type(ENTER);
    await terminal.until(WHICH);
    terminal.type(UP + ENTER);
    await terminal.until(WHAT);
    terminal.type(CTRL_C);
    expect(await terminal.end(), terminal.text).to.equal(0);
  });
});
