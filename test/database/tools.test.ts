import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import { DrError } from "../../src/core/errors.js";
import { parseDatabaseUrl } from "../../src/database/access.js";
import { readChild, startChild } from "../../src/database/child.js";
import { findTool, isRestoreUnsafe } from "../../src/database/tools.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { codeOf, errorOf } from "../offsite/describe-storage.js";

const ACCESS = parseDatabaseUrl("postgres://app:hunter2@db:6432/takumi");

describe("PostgreSQL's programs", () => {
  const folder = useTemporaryFolder();

  async function install(name: string, script: string): Promise<string> {
    const place = join(folder.path, name);
    await mkdir(place, { recursive: true });
    const path = join(place, "pg_dump");
    await writeFile(path, `#!/bin/sh\n${script}\n`);
    await chmod(path, 0o700);
    return place;
  }

  const version = (text: string) => `echo "pg_dump (PostgreSQL) ${text}"`;

  it("are taken from the first place where one is new enough", async () => {
    const old = await install("old", version("13.2"));
    const fit = await install("fit", version("16.4 (Debian 16.4-1)"));
    const newer = await install("newer", version("18beta1"));
    const empty = join(folder.path, "empty");
    const folders = [empty, old, fit, newer];
    expect(await findTool("pg_dump", 15, folders)).to.deep.equal({
      path: join(fit, "pg_dump"),
      version: { major: 16, minor: 4 },
    });
    expect(await findTool("pg_dump", 18, folders)).to.deep.equal({
      path: join(newer, "pg_dump"),
      version: { major: 18, minor: 0 },
    });
    const error = await errorOf(findTool("pg_dump", 15, [empty, old]));
    expect(error.code).to.equal("DATABASE_TOOL_TOO_OLD");
    expect(error.message).to.include("13.2");
    expect(await codeOf(findTool("pg_dump", 15, [empty]))).to.equal(
      "DATABASE_TOOL_MISSING",
    );
  });

  it("are known to run what a dump's maker wants until they are mended", () => {
    const unsafe = (major: number, minor: number) =>
      isRestoreUnsafe({ major, minor });
    expect(unsafe(15, 19)).to.be.true;
    expect(unsafe(15, 20)).to.be.false;
    expect(unsafe(18, 6)).to.be.true;
    expect(unsafe(13, 99)).to.be.true;
    expect(unsafe(19, 0)).to.be.false;
  });

  it("learn where to connect from their environment alone", async () => {
    process.env.PGOPTIONS = "-c role=somebody";
    try {
      const place = await install("env", 'echo "$@"; env | grep ^PG | sort');
      const path = join(place, "pg_dump");
      const said = await readChild(path, ["-Fc"], { access: ACCESS });
      expect(said.trim().split("\n")).to.deep.equal([
        "-Fc",
        "PGAPPNAME=hardhat-dr",
        "PGCONNECT_TIMEOUT=10",
        "PGDATABASE=takumi",
        "PGHOST=db",
        "PGPASSFILE=/dev/null/none",
        "PGPASSWORD=hunter2",
        "PGPORT=6432",
        "PGUSER=app",
      ]);
    } finally {
      delete process.env.PGOPTIONS;
    }
  });

  it("fail when they end badly, however well their output ended", async () => {
    const place = await install("bad", "echo all; echo the disk >&2; exit 3");
    const path = join(place, "pg_dump");
    const { stdout, ended } = startChild(path, [], { access: ACCESS });
    stdout.resume();
    const error = await errorOf(ended);
    expect(error.code).to.equal("DATABASE_TOOL_FAILED");
    expect(error.message).to.include("the disk (exit code 3)");
    expect(
      (
        await errorOf(
          readChild(join(folder.path, "none"), [], { access: ACCESS }),
        )
      ).code,
    ).to.equal("DATABASE_TOOL_FAILED");
  });

  it("are read to their end, also by who begins when they have ended", async () => {
    const place = await install("whole", "echo all of it");
    const { stdout, ended } = startChild(join(place, "pg_dump"), [], {
      access: ACCESS,
    });
    await ended;
    await new Promise((resolve) => setImmediate(resolve));
    expect(String(await stdout.toArray())).to.equal("all of it\n");
  });

  it("can be called off", async () => {
    const place = await install("slow", "exec sleep 60");
    const controller = new AbortController();
    const { ended } = startChild(join(place, "pg_dump"), [], {
      access: ACCESS,
      signal: controller.signal,
    });
    controller.abort(new DrError("INTERRUPTED", {}));
    expect(await codeOf(ended)).to.equal("INTERRUPTED");
  });
});
