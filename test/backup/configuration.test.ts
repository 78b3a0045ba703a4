import { chmod, lstat, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import { backUpConfiguration } from "../../src/backup/configuration.js";
import { codeOf, refusalOf } from "../deployments/refusal.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { describeFolder, FileScene } from "./file-scene.js";

const CONFIGURATION = [".env", "hardhat.config.ts", "config"];

describe("a backup of the configuration", () => {
  const folder = useTemporaryFolder();
  let scene: FileScene;

  beforeEach(async () => {
    scene = await FileScene.encrypted(folder.path, {
      configuration: CONFIGURATION,
    });
    await scene.write(".env", "DATABASE_URL=postgres://u:5ecre7@h/d\n", 0o600);
    await scene.write("hardhat.config.ts", "export default {};\n");
    await scene.write("config/nginx.conf", "server {}\n");
  });

  const place = () => scene.at("backups/configuration");

  async function backUp(): Promise<string> {
    scene.pass(60);
    const { artifacts } = await backUpConfiguration(scene.context);
    return artifacts[0]!.name;
  }

  it("comes back as it was, always whole", async () => {
    await backUp();
    const name = await backUp();
    expect(name).to.match(/^takumi_config_\d{8}_\d{6}\.tar\.zst\.enc$/);
    const before = await describeFolder(scene.at("config"));
    await rm(scene.at(".env"));
    await scene.write("config/nginx.conf", "ruined");
    const replaced = await scene.restore(name, { folder: place() });
    expect(replaced.map(({ aside }) => aside !== undefined)).to.deep.equal([
      false,
      true,
      true,
    ]);
    expect(await readFile(scene.at(".env"), "utf8")).to.include("5ecre7");
    expect((await lstat(scene.at(".env"))).mode & 0o777).to.equal(0o600);
    expect(await describeFolder(scene.at("config"))).to.deep.equal(before);
  });

  it("shows nothing of itself without the key", async () => {
    const name = await backUp();
    for (const file of await readdir(place())) {
      const text = await readFile(join(place(), file), "latin1");
      expect(text, file).to.not.include("5ecre7");
    }
    scene = new FileScene(folder.path, { configuration: CONFIGURATION });
    expect(
      await codeOf(async () => await scene.restore(name, { folder: place() })),
    ).to.equal("KEY_NOT_CONFIGURED");
  });

  it("is refused where nothing would encrypt it", async () => {
    scene = new FileScene(folder.path, { configuration: CONFIGURATION });
    expect(await codeOf(backUp)).to.equal("ENCRYPTION_NOT_CONFIGURED");
    expect(await readdir(folder.path)).to.not.include("backups");
  });

  it("names what is missing before anything is written", async () => {
    await rm(scene.at("hardhat.config.ts"));
    const error = await refusalOf(backUp);
    expect(error.code).to.equal("BACKUP_SOURCE_UNREADABLE");
    expect(error.message).to.include(scene.at("hardhat.config.ts"));
    expect(await readdir(folder.path)).to.not.include("backups");
  });

  it("never holds the key that opens it", async () => {
    const key = await readFile(scene.at("backup.key"), "utf8");
    await scene.write("config/copy", key);
    expect(await codeOf(backUp)).to.equal("BACKUP_HOLDS_KEY");
    await rm(scene.at("config/copy"));
    scene = new FileScene(folder.path, {
      ...scene.section,
      configuration: [...CONFIGURATION, "backup.key"],
    });
    await chmod(scene.at("backup.key"), 0o600);
    const error = await refusalOf(backUp);
    expect(error.code).to.equal("BACKUP_HOLDS_KEY");
    expect(error.message).to.not.include(key.trim());
    expect(await readdir(place())).to.deep.equal([]);
  });
});
