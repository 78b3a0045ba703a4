import { expect } from "chai";
import { configVariable } from "hardhat/config";

import { resolveDrConfig } from "../../src/config/resolve.js";
import type { DrUserConfig } from "../../src/config/types.js";
import { validateDrConfig } from "../../src/config/validate.js";
import { configuredAccess } from "../../src/database/configured.js";
import { errorOf } from "../offsite/describe-storage.js";

describe("dr.database", () => {
  const resolve = (
    section: DrUserConfig,
    environment: Readonly<Record<string, string>> = {},
  ) =>
    resolveDrConfig(
      section,
      "/project",
      (value) =>
        ({
          get: async () =>
            await Promise.resolve(
              typeof value === "string" ? value : environment[value.name],
            ),
        }) as never,
      environment,
    );

  it("is what the configuration, DATABASE_URL or POSTGRES_… say, in this order", async () => {
    const url = "postgres://app@configured/takumi";
    const DATABASE_URL = "postgres://app@variable/takumi";
    const parts = {
      POSTGRES_HOST: "parts",
      POSTGRES_USER: "app",
      POSTGRES_PASSWORD: "p@ss/word",
      POSTGRES_DB: "takumi",
    };
    const everything = { DATABASE_URL, ...parts };
    const hostOf = async (...args: Parameters<typeof resolve>) =>
      (await configuredAccess(resolve(...args))).host;
    expect(await hostOf({ database: { url } }, everything)).to.equal(
      "configured",
    );
    expect(await hostOf({}, everything)).to.equal("variable");
    expect(await hostOf({ database: {} }, parts)).to.equal("parts");
    expect(await configuredAccess(resolve({}, parts))).to.deep.include({
      user: "app",
      password: "p@ss/word",
      database: "takumi",
      port: 5432,
    });
  });

  it("is a folder with the engine pglite, and only then", () => {
    const problemsOf = (database: DrUserConfig["database"]) =>
      validateDrConfig({ database }).map(({ path }) => path.join("."));
    for (const url of ["data/takumi", "file:///srv/takumi"]) {
      expect(problemsOf({ url, engine: "pglite" })).to.deep.equal([]);
      expect(problemsOf({ url })).to.deep.equal(["dr.database.url"]);
    }
  });

  it("needn't be there", async () => {
    expect(resolve({}).database).to.be.undefined;
    const error = await errorOf(configuredAccess(resolve({})));
    expect(error.code).to.equal("DATABASE_NOT_CONFIGURED");
  });

  it("has lists of what was erased, as keys or in a file of the project", () => {
    const erased = {
      profiles: ["7"],
      members: [["a", "1"]],
      posts: { file: "erased.txt" },
    };
    expect(validateDrConfig({ database: { erased } })).to.deep.equal([]);
    expect(resolve({ database: { erased } }).database?.erased).to.deep.equal({
      ...erased,
      posts: { file: "/project/erased.txt" },
    });
  });

  it("says what is wrong with it, and shows no password", () => {
    const url = configVariable("DATABASE_URL");
    expect(validateDrConfig({ database: { url } })).to.deep.equal([]);
    for (const database of [
      { url: "mysql://app:hunter2@db/takumi" },
      { engine: "oracle" },
      { criticalTables: [""] },
      { erased: { profiles: [7] as never } },
      { erased: { profiles: { list: "hunter2" } as never } },
      { recover: { triggers: "maybe" as never } },
    ]) {
      const problems = validateDrConfig({ database });
      expect(problems).to.have.length(1);
      expect(JSON.stringify(problems)).to.not.include("hunter2");
    }
  });

  it("takes what pgBackRest's engine needs, with absolute paths", () => {
    const pgbackrest = {
      stanza: "takumi",
      dataFolder: "/var/lib/postgresql/15/main",
      configFile: "pgbackrest.conf",
      stop: ["systemctl", "stop", "postgresql@15-main"],
    };
    const database = { engine: "pgbackrest" as const, pgbackrest };
    expect(validateDrConfig({ database })).to.deep.equal([]);
    expect(resolve({ database }).database?.pgbackrest).to.deep.equal({
      ...pgbackrest,
      configFile: "/project/pgbackrest.conf",
      timeoutSeconds: 60,
    });
    for (const wrong of [
      { stanza: "takumi" },
      { stanza: "../takumi", dataFolder: "/data" },
      { ...pgbackrest, stop: [] },
      { ...pgbackrest, stop: "systemctl stop postgresql" },
      { ...pgbackrest, repo1CipherPass: "hunter2" },
    ]) {
      const problems = validateDrConfig({
        database: { pgbackrest: wrong as never },
      });
      expect(problems).to.have.length(1);
      expect(JSON.stringify(problems)).to.not.include("hunter2");
    }
  });
});
