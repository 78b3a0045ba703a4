import { expect } from "chai";

import { openSafeService } from "../../src/safe/service.js";
import { codeOf } from "../deployments/refusal.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import {
  startServiceDouble,
  type ServiceDouble,
} from "../safe/service-double.js";
import { signTyped } from "../safe/sign.js";
import { signableOf } from "../../src/safe/signature.js";
import { sampleTransaction } from "../safe/sample-transaction.js";
import { openSafeScene } from "./safe-scene.js";

const KEY = "a-secret-key";

describe("the Safe Transaction Service", () => {
  const folder = useTemporaryFolder();
  let service: ServiceDouble;

  beforeEach(async () => {
    service = await startServiceDouble();
  });

  afterEach(async () => {
    process.exitCode = undefined;
    await service.stop();
  });

  it("is given our signatures, and gives those of others, each checked", async () => {
    const scene = await openSafeScene(folder.path, {
      config: { dr: { safeService: { url: service.url, apiKey: KEY } } },
    });
    const { run, owners, connection, safe, platform } = scene;
    const hash = await scene.propose({});
    await scene.sign(hash, 2);
    const exchange = async () =>
      await run("dr:safe:sign", { proposal: hash, service: true, yes: true });
    expect((await exchange()).error).to.equal(undefined);
    const kept = service.kept.get(hash);
    expect(kept?.signatures).to.have.length(2);
    expect(kept?.body).to.deep.include({ to: platform.skillProfile, nonce: 0 });
    expect(service.keys).to.include(`Bearer ${KEY}`);

    const signable = signableOf(
      { chainId: 31337n, safe, version: "1.4.1" },
      sampleTransaction({ to: platform.skillProfile }),
    );
    const other = signableOf(
      { chainId: 31337n, safe, version: "1.4.1" },
      sampleTransaction({ to: platform.skillProfile, nonce: 5n }),
    );
    kept?.signatures.push(
      await signTyped(connection, owners[3]!, other),
      await signTyped(connection, owners[4]!, signable),
    );
    const pulled = await exchange();
    expect(pulled.signatures.count).to.equal(3);
    expect(pulled.signatures.invalid).to.deep.equal([]);
    expect(pulled.signatures.missing).to.deep.equal(owners.slice(2, 4));
    expect(kept?.signatures).to.have.length(4);
  });

  it("isn't needed, and says what is wrong without its key", async () => {
    const scene = await openSafeScene(folder.path, {
      config: { dr: { safeService: { url: service.url, apiKey: KEY } } },
    });
    const hash = await scene.propose({});
    service.failing = 503;
    const { error } = await scene.run("dr:safe:sign", {
      proposal: hash,
      service: true,
      yes: true,
    });
    expect(error?.code).to.equal("SAFE_SERVICE_FAILED");
    expect(JSON.stringify(error)).to.not.contain(KEY);
    expect((await scene.sign(hash, 1)).signatures.count).to.equal(1);
  });

  it("must be set up, with its package", async () => {
    const scene = await openSafeScene(folder.path);
    const { error } = await scene.run("dr:safe:sign", {
      proposal: await scene.propose({}),
      service: true,
      yes: true,
    });
    expect(error?.code).to.equal("SAFE_SERVICE_NOT_CONFIGURED");
    expect(
      await codeOf(async () =>
        openSafeService({ chainId: 1n, url: service.url }, async () => {
          return await Promise.reject(new Error("Cannot find package"));
        }),
      ),
    ).to.equal("SAFE_SERVICE_PACKAGE_MISSING");
    // Safe's own wants a key.
    expect(await codeOf(async () => openSafeService({ chainId: 1n }))).to.equal(
      "SAFE_SERVICE_FAILED",
    );
  });
});
