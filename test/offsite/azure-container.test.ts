import { setTimeout as sleep } from "node:timers/promises";

import { ContainerClient } from "@azure/storage-blob";
import { expect } from "chai";

import type { AzureTarget } from "../../src/config/types.js";
import { systemClock } from "../../src/core/clock.js";
import { AzureContainer } from "../../src/offsite/drivers/azure-container.js";
import { codeOf } from "./describe-storage.js";

describe("a request to Azure", () => {
  const target: AzureTarget = {
    kind: "azure",
    name: "takumi",
    account: "takumi",
    container: "backups",
    prefix: "",
    key: { get: () => Promise.resolve("") },
  };
  const container = new AzureContainer(
    new ContainerClient("http://127.0.0.1:9/takumi/backups"),
    target,
    { clock: systemClock, stallMs: 100 },
  );

  // Of timers that are due at once the earlier fires first, however late it is.
  it("may take longer than a stall, as long as it moves", async () => {
    const done = container.ask("put", "a", async (signal, moved) => {
      for (let step = 0; step < 10; step += 1) {
        await sleep(20);
        moved();
      }
      return signal.aborted;
    });
    expect(await done).to.be.false;
  });

  it("ends when it moves no more", async () => {
    const done = container.ask("put", "a", async (signal, moved) => {
      moved();
      await sleep(60_000, undefined, { signal });
    });
    expect(await codeOf(done)).to.equal("OFFSITE_UNREACHABLE");
  });
});
