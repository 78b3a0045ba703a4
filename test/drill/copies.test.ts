import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { once } from "node:events";
import { join } from "node:path";

import { expect } from "chai";
import hre from "hardhat";
import type { NetworkConnection } from "hardhat/types/network";

import type { FsTarget, OffsiteTarget } from "../../src/config/types.js";
import { systemClock } from "../../src/core/clock.js";
import { BackupsCopy } from "../../src/drill/copies/backups.js";
import { ChainCopy } from "../../src/drill/copies/chain.js";
import type { DatabaseCopy } from "../../src/drill/copies/database-copy.js";
import {
  copyPostgres,
  dropCopies,
  type PostgresCopyOptions,
} from "../../src/drill/copies/postgres.js";
import { digestFolder, FolderCopy } from "../../src/drill/copies/folder.js";
import { OffsiteCopy, withinDrill } from "../../src/drill/copies/offsite.js";
import { ServiceCopy } from "../../src/drill/copies/service.js";
import { createMark, formatMark, markFolder } from "../../src/drill/mark.js";
import { createRandom } from "../../src/drill/random.js";
import { withFork, type ForkSession } from "../../src/session/fork-session.js";
import type { Address } from "../../src/core/hex.js";
import { RestoreScene } from "../database/restore-scene.js";
import { codeOf, refusalOf } from "../deployments/refusal.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { contractAt, signer } from "../helpers/contracts.js";
import { deployPlatform, type Platform } from "../helpers/deploy-platform.js";
import { govern } from "../helpers/govern.js";
import {
  initialize,
  platformProxies,
  sessionSource,
} from "../helpers/recovery-session.js";
import { createSimulation } from "../rehearsal/simulation.js";

const MARK = createMark("DR_DRILL_20240115_140000");
const OTHER = createMark("DR_DRILL_20240115_140000");

describe("copies that a drill breaks", function () {
  this.timeout(60_000);

  describe("of a database", () => {
    const scene = new RestoreScene();
    const name = "dr_drill_20240115140000_0123abcd";
    const liveDatabase = "takumi";

    beforeEach(async () => {
      await scene.create(42);
    });

    afterEach(() => {
      scene.drop();
    });

    async function copy(
      options: Partial<PostgresCopyOptions> = {},
    ): Promise<DatabaseCopy> {
      const dump = await scene.find(await scene.backUp());
      return await copyPostgres(dump, dump.fingerprint!, {
        server: scene.access,
        serverUrl: scene.cluster.url(liveDatabase),
        name,
        mark: MARK,
        random: createRandom(1),
        criticalTables: ["profiles"],
        clock: systemClock,
        signal: new AbortController().signal,
        ...options,
      });
    }

    it("are broken, and that is seen", async () => {
      const made = await copy();
      expect(await made.differences()).to.deep.equal([]);
      expect(await made.corruptRows("public.endorsements")).to.equal(
        "public.endorsements",
      );
      expect((await made.differences()).join(" ")).to.match(
        /endorsements holds something else/,
      );
      expect(await made.dropTable()).to.equal("public.profiles");
      expect((await made.differences()).join(" ")).to.match(
        /profiles is missing/,
      );
      await made.lose();
      expect(await made.differences()).to.have.length(1);
      expect(scene.databases()).to.deep.equal([liveDatabase]);
      expect(scene.liveRows()).to.equal("42");
    });

    it("are never what doesn't bear the mark: another drill's, one of the same name, the live one", async () => {
      const made = await copy();
      const harms = [
        async () => await made.dropTable(),
        async () => await made.corruptRows("public.profiles"),
        async () => {
          await made.lose();
        },
      ];
      const before = scene.psql("SELECT count(*) FROM profiles", name);
      for (const comment of [
        `'${formatMark(OTHER)}'`,
        "'hardhat-dr drill'",
        "NULL",
      ]) {
        scene.psql(`COMMENT ON DATABASE ${name} IS ${comment}`, "postgres");
        for (const harm of harms) {
          expect(await codeOf(harm)).to.equal("DRILL_NOT_ITS_OWN");
        }
      }
      expect(scene.psql("SELECT count(*) FROM profiles", name)).to.equal(
        before,
      );
      // The live database under the copy's name: as if the URLs were mixed up.
      scene.psql(`DROP DATABASE ${name} WITH (FORCE)`, "postgres");
      scene.psql(`ALTER DATABASE takumi RENAME TO ${name}`, "postgres");
      for (const harm of harms) {
        expect(await codeOf(harm)).to.equal("DRILL_NOT_ITS_OWN");
      }
      expect(scene.psql("SELECT count(*) FROM profiles", name)).to.equal("42");
    });

    it("go with all that restores have put aside, and nothing else does", async () => {
      await copy();
      for (const other of [
        `${name}_before_20240115_140001`,
        `${name}_before_notatime`,
        "dr_drill_20240115140000_ffffffff",
      ]) {
        scene.psql(`CREATE DATABASE ${other}`, "postgres");
      }
      await dropCopies(scene.access, name);
      expect(scene.databases()).to.deep.equal([
        `${name}_before_notatime`,
        "dr_drill_20240115140000_ffffffff",
        liveDatabase,
      ]);
    });
  });

  describe("of contracts", () => {
    const folder = useTemporaryFolder();
    let connection: NetworkConnection;
    let platform: Platform;

    beforeEach(async () => {
      connection = await hre.network.create();
      platform = await deployPlatform(connection);
      const source = sessionSource(connection, folder.path);
      await initialize(source, platformProxies(platform));
    });

    async function onFork(
      work: (copy: ChainCopy, forked: ForkSession) => Promise<void>,
      absent: readonly Address[] = [],
    ): Promise<void> {
      await withFork(
        sessionSource(connection, folder.path),
        createSimulation,
        { authorityOver: { names: [], all: true }, absent },
        async (forked) => {
          const copy = await ChainCopy.open(forked, MARK, () => undefined);
          await work(copy, forked);
        },
      );
    }

    /** As whoever owns all of it would, on the fork. */
    async function call(
      { fork }: ForkSession,
      signature: string,
      to: Address,
    ): Promise<void> {
      const contract = await contractAt(connection, "Endorsement", to);
      await fork.provider.request({
        method: "eth_sendTransaction",
        params: [
          {
            from: platform.owner,
            to,
            data: contract.interface.encodeFunctionData(signature),
          },
        ],
      });
    }

    it("see a slot that is otherwise, and when it is as before", async () => {
      await onFork(async (copy, forked) => {
        expect(await copy.differences()).to.deep.equal([]);
        await call(forked, "pause", platform.endorsement);
        const found = (await copy.differences()).join(" ");
        expect(found).to.match(/Endorsement: paused is true instead of false/);
        expect(found).to.match(/Endorsement: storage slot 0x[0-9a-f]{64} is/);
        await call(forked, "unpause", platform.endorsement);
        expect(await copy.differences()).to.deep.equal([]);
      });
    });

    it("are upgraded badly, so that users' calls fail, and rolled back by the plan of an incident", async () => {
      await onFork(async (copy) => {
        expect(await copy.upgradeBadly(["Endorsement"])).to.deep.equal([
          "Endorsement",
        ]);
        const found = (await copy.differences()).join(" ");
        expect(found).to.match(/Endorsement: version is null instead of "1/);
        expect(found).not.to.match(/SkillProfile/);
        await copy.rollBack([]);
        expect(await copy.differences()).to.deep.equal([]);
      });
    });

    it("aren't whole when only some of them are rolled back", async () => {
      await onFork(async (copy) => {
        expect(await copy.upgradeBadly([])).to.have.length(3);
        await copy.rollBack(["SkillProfile", "Endorsement"]);
        const found = (await copy.differences()).join(" ");
        expect(found).to.match(/SkillClaim: implementation/);
        expect(found).not.to.match(/Endorsement: implementation/);
      });
    });

    it("are never a chain that doesn't bear the mark on its own RPC, or the real one that does", async () => {
      const unmark = async (
        { provider }: ForkSession["fork"],
        token: string,
      ) => {
        await provider.request({
          method: "hardhat_setStorageAt",
          params: [`0x${MARK.token.slice(0, 40)}`, "0x0", `0x${token}`],
        });
        await provider.request({ method: "evm_mine" });
      };
      await onFork(async (copy, { fork, original }) => {
        const block = await fork.rpc.request("eth_blockNumber");
        for (const token of [OTHER.token, "0".repeat(64)]) {
          await unmark(fork, token);
          expect(
            await codeOf(async () => await copy.upgradeBadly([])),
          ).to.equal("DRILL_NOT_ITS_OWN");
        }
        await unmark(fork, MARK.token);
        expect(await fork.rpc.request("eth_blockNumber")).to.equal(
          `0x${(BigInt(block as string) + 3n).toString(16)}`,
        );
        // Something sends it to the chain that was forked: it would have it too.
        const real = { provider: connection.provider, rpc: original.ports.rpc };
        await unmark(real as unknown as ForkSession["fork"], MARK.token);
        expect(await codeOf(async () => await copy.upgradeBadly([]))).to.equal(
          "DRILL_NOT_ITS_OWN",
        );
      });
    });

    it("can't be rolled back where everybody who may is absent", async () => {
      await onFork(
        async (copy, { actors }) => {
          expect(actors.map(({ address }) => address)).not.to.include(
            platform.owner,
          );
          expect(
            await codeOf(async () => await copy.upgradeBadly([])),
          ).to.match(/AUTHORITY|NO_ACCOUNTS|SIGNER/);
        },
        [platform.owner],
      );
    });

    it("are brought back by a Safe's other owners, and not when too few are left", async () => {
      await govern(connection, platform, "safe");
      const [first, second] = await Promise.all(
        [0, 1].map(
          async (index) => (await signer(connection, index)).address as Address,
        ),
      );
      await onFork(
        async (copy) => {
          await copy.upgradeBadly(["Endorsement"]);
          await copy.rollBack(["Endorsement"]);
          expect(await copy.differences()).to.deep.equal([]);
        },
        [first!],
      );
      await onFork(
        async (copy) => {
          expect(
            await codeOf(async () => await copy.upgradeBadly(["Endorsement"])),
          ).to.equal("SIGNATURES_MISSING");
        },
        [first!, second!],
      );
    });
  });

  describe("of folders and backups", () => {
    const folder = useTemporaryFolder();

    it("tell what is gone, what is another, and what wasn't there", async () => {
      const path = join(folder.path, "files");
      await mkdir(join(path, "uploads"), { recursive: true });
      await writeFile(join(path, "uploads/a"), "a");
      await writeFile(join(path, "uploads/b"), "b");
      await markFolder(path, MARK);
      const copy = new FolderCopy(
        "files",
        path,
        await digestFolder(path),
        MARK,
      );
      await writeFile(join(path, "uploads/a"), "A");
      await rm(join(path, "uploads/b"));
      await writeFile(join(path, "uploads/c"), "c");
      expect(await copy.differences()).to.deep.equal([
        "uploads/a is another.",
        "uploads/b is gone.",
        "uploads/c wasn't there.",
      ]);
    });

    it("may have more layouts than before: a snapshot has those that the project never kept", async () => {
      const path = join(folder.path, "deployments");
      await mkdir(join(path, "layouts"), { recursive: true });
      await writeFile(join(path, "deploy.json"), "{}");
      await writeFile(join(path, "layouts/0xa.json"), "{}");
      await markFolder(path, MARK);
      const copy = new FolderCopy(
        "deployments",
        path,
        await digestFolder(path),
        MARK,
      );
      await writeFile(join(path, "layouts/0xb.json"), "{}");
      expect(await copy.differences()).to.deep.equal([]);
      await rm(join(path, "layouts/0xa.json"));
      expect(await copy.differences()).to.deep.equal([
        "layouts/0xa.json is gone.",
      ]);
    });

    it("are never a folder without the mark", async () => {
      const path = join(folder.path, "real");
      await mkdir(join(path, "database"), { recursive: true });
      await writeFile(join(path, "database/a"), "a");
      const copies = [
        new FolderCopy("files", path, new Map(), MARK),
        new BackupsCopy(
          path,
          [{ kind: "database", name: "a" }],
          { trusted: [] },
          MARK,
        ),
      ];
      for (const other of [undefined, OTHER]) {
        if (other !== undefined) {
          await markFolder(path, other);
        }
        for (const copy of copies) {
          const error = await refusalOf(async () => {
            await copy.lose();
          });
          expect(error.code).to.equal("DRILL_NOT_ITS_OWN");
          expect(error.exitCode).to.equal(3);
        }
        expect(
          await codeOf(
            async () => await (copies[1] as BackupsCopy).flipBytes(),
          ),
        ).to.equal("DRILL_NOT_ITS_OWN");
      }
      expect(await readdir(join(path, "database"))).to.deep.equal(["a"]);
    });
  });

  describe("of offsite targets", () => {
    const folder = useTemporaryFolder();
    const target = (name: string): FsTarget => ({
      kind: "fs",
      name,
      directory: folder.path,
      prefix: "production/",
    });

    it("answer 503 at the first, and the next is taken", async () => {
      const targets = [target("one"), target("two")].map((one) =>
        withinDrill(one, MARK),
      );
      const copy = new OffsiteCopy(targets, MARK);
      try {
        expect(await copy.differences()).to.deep.equal([]);
        expect(await copy.makeUnavailable()).to.equal("one");
        expect(await copy.differences()).to.deep.equal(["one: answers 503"]);
        expect((await copy.findReachable())?.name).to.equal("two");
        expect(copy.targets[0]?.prefix).to.equal(
          "production/drills/DR_DRILL_20240115_140000/",
        );
      } finally {
        await copy.close();
      }
    });

    it("of clouds answer 503 to their own drivers, and stay configured", async () => {
      const common = { prefix: "production/" };
      const variable = (text: string) =>
        ({ get: async () => await Promise.resolve(text) }) as never;
      const clouds: readonly OffsiteTarget[] = [
        {
          ...common,
          kind: "s3",
          name: "s3",
          bucket: "bucket",
          region: "eu-central-1",
          credentials: {
            accessKeyId: variable("id"),
            secretAccessKey: variable("secret"),
          },
        },
        { ...common, kind: "gcs", name: "gcs", bucket: "bucket" },
        {
          ...common,
          kind: "azure",
          name: "azure",
          account: "account",
          container: "container",
          key: variable(Buffer.from("key").toString("base64")),
        },
      ];
      for (const cloud of clouds) {
        const copy = new OffsiteCopy(
          [cloud, target("folder")].map((one) => withinDrill(one, MARK)),
          MARK,
        );
        try {
          expect(await copy.makeUnavailable()).to.equal(cloud.name);
          const found = (await copy.differences()).join();
          expect(found).to.match(/OFFSITE_UNREACHABLE.*503/);
          expect(copy.targets.map(({ name }) => name)).to.deep.equal([
            cloud.name,
            "folder",
          ]);
          expect((await copy.findReachable())?.name).to.equal("folder");
        } finally {
          await copy.close();
        }
      }
    });

    it("are never the project's own place in them", async () => {
      const copy = new OffsiteCopy([target("one")], MARK);
      try {
        expect(await codeOf(async () => await copy.makeUnavailable())).to.equal(
          "DRILL_NOT_ITS_OWN",
        );
      } finally {
        await copy.close();
      }
    });
  });

  describe("of a service", () => {
    it("die, and live again", async () => {
      const copy = await ServiceCopy.start(MARK);
      try {
        expect(await copy.differences()).to.deep.equal([]);
        await copy.kill();
        expect(await copy.differences()).to.have.length(1);
        await copy.start();
        expect(await copy.differences()).to.deep.equal([]);
      } finally {
        await copy.close();
      }
    });

    it("are never another process at its port", async () => {
      const copy = await ServiceCopy.start(MARK);
      await copy.kill();
      const server = createServer((_, response) => {
        response.end("production");
      }).listen(copy.port, "127.0.0.1");
      await once(server, "listening");
      try {
        expect(
          await codeOf(async () => {
            await copy.kill();
          }),
        ).to.equal("DRILL_NOT_ITS_OWN");
        expect(await copy.differences()).to.deep.equal([
          "Another process answers.",
        ]);
      } finally {
        await copy.close();
        server.close();
      }
    });
  });
});
