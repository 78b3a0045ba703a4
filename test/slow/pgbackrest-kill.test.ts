import { expectFinished } from "../database/pgbackrest-killing.js";
import { usePgbackrest } from "../database/pgbackrest-scene.js";

describe("restoring a server, killed after each step", function () {
  this.timeout(120_000);
  const held = usePgbackrest();

  before(async () => {
    await held.scene.backUp({ type: "full" });
  });

  for (const step of [
    "restored",
    "replayed",
    "examined",
    "proven",
    "stopped",
    "set aside",
    "placed",
    "started",
  ] as const) {
    it(`${step}: the next run finishes it`, async () => {
      await expectFinished(held.scene, step);
    });
  }
});
