import { expect } from "chai";

import type { ErrorCode } from "../../src/core/errors.js";
import { errorOf, sourceOf } from "./describe-storage.js";
import { openS3 } from "../../src/offsite/drivers/s3.js";
import { PART_BYTES, useS3 } from "./s3-scene.js";
import type { S3Fault, S3Server } from "./s3-server.js";
import { useEnvironment } from "../helpers/environment.js";

const PAGE = "<html><body><h1>Bad Gateway</h1></body></html>";

describe("what goes wrong with S3", function () {
  const scene = useS3();
  const environment = useEnvironment();

  const refusals: readonly [S3Fault, ErrorCode, says?: string][] = [
    [{ status: 500, code: "InternalError" }, "OFFSITE_UNREACHABLE"],
    [{ status: 502, code: "BadGateway" }, "OFFSITE_UNREACHABLE"],
    [{ status: 502, page: PAGE }, "OFFSITE_UNREACHABLE"],
    [{ status: 503, page: "" }, "OFFSITE_UNREACHABLE"],
    [{ status: 503, code: "SlowDown" }, "OFFSITE_UNREACHABLE", "SlowDown"],
    [{ status: 429, code: "TooManyRequests" }, "OFFSITE_UNREACHABLE"],
    [{ status: 400, code: "RequestTimeout" }, "OFFSITE_UNREACHABLE"],
    [{ status: 400, code: "IncompleteBody" }, "OFFSITE_UNREACHABLE"],
    [{ status: 501, code: "NotImplemented" }, "OFFSITE_FAILED"],
    [{ status: 400, code: "InvalidRequest" }, "OFFSITE_FAILED"],
    [{ status: 404, code: "NoSuchBucket" }, "OFFSITE_FAILED", "make it"],
    [{ status: 403, code: "InvalidObjectState" }, "OFFSITE_FAILED", "archive"],
    [
      { status: 301, code: "PermanentRedirect", region: "eu-west-3" },
      "OFFSITE_FAILED",
      "is in the region eu-west-3",
    ],
    [{ status: 404, code: "NoSuchKey" }, "OFFSITE_MISSING"],
    [{ status: 403, code: "QuotaExceeded" }, "OFFSITE_FULL"],
    [{ status: 507, code: "InsufficientStorage" }, "OFFSITE_FULL"],
    [{ status: 403, code: "AccessDenied" }, "OFFSITE_DENIED", "s3:GetObject"],
    [{ status: 403, page: PAGE }, "OFFSITE_DENIED"],
    [{ status: 401, code: "Unauthorized" }, "OFFSITE_DENIED"],
    [{ status: 400, code: "ExpiredToken" }, "OFFSITE_DENIED", "Log in anew"],
    [{ status: 403, code: "RequestTimeTooSkewed" }, "OFFSITE_DENIED", "clock"],
  ];

  for (const [fault, code, says = ""] of refusals) {
    it(`is told by the answer: ${JSON.stringify(fault)}`, async () => {
      const storage = await scene.open();
      scene.server.inject("GetObject", fault);
      const error = await errorOf(storage.get("a"));
      expect(error.code).to.equal(code);
      expect(`${error.message} ${error.fix}`).to.include(says);
      expect(error.message).to.not.include("<");
    });
  }

  it("is the clock when it is far off, and says by how much", async () => {
    for (const [minutes, says] of [
      [-90, "it is 90 minutes ahead of the store's"],
      [90, "it is 90 minutes behind the store's"],
    ] as const) {
      setClock(scene.server, minutes);
      const error = await errorOf((await scene.open()).listPage(""));
      expect(error.code).to.equal("OFFSITE_DENIED");
      expect(error.fix).to.include(says);
    }
  });

  it("is nothing where only the first look was refused, for the clock or for once", async () => {
    await (await scene.open()).put("a", sourceOf(Buffer.from("words")));
    setClock(scene.server, 90);
    const late = await scene.open();
    expect(await late.stat("b")).to.equal(undefined);
    setClock(scene.server, 0);
    const storage = await scene.open();
    scene.server.inject("HeadObject", { status: 403, page: "" });
    expect((await storage.stat("a"))?.sizeBytes).to.equal(5);
    scene.server.inject("HeadObject", { status: 403, page: "" });
    scene.server.inject("HeadObject", { status: 403, page: "" }, 2);
    expect((await errorOf(storage.stat("a"))).code).to.equal("OFFSITE_DENIED");
  });

  it("is the region when nobody says it", async () => {
    environment.set("AWS_REGION", undefined);
    environment.set("AWS_CONFIG_FILE", "/nowhere");
    environment.set("AWS_SHARED_CREDENTIALS_FILE", "/nowhere");
    const { endpoint, ...amazon } = scene.target;
    expect(endpoint).to.not.equal(undefined);
    const error = await errorOf((await openS3(amazon)).listPage(""));
    expect(error.code).to.equal("OFFSITE_FAILED");
    expect(error.message).to.include("`region` of the target.");
  });

  it("may be said in an answer that began well", async () => {
    const storage = await scene.open();
    await storage.put("a", sourceOf(Buffer.from("words")));
    for (const fault of ["truncate", "hang"] as const) {
      scene.server.inject("ListObjectsV2", fault);
      const error = await errorOf(storage.listPage(""));
      expect(error.code).to.equal("OFFSITE_UNREACHABLE");
    }
    const large = sourceOf(Buffer.alloc(PART_BYTES + 1));
    const fault = { status: 200, code: "InternalError" };
    scene.server.inject("CompleteMultipartUpload", fault);
    expect((await errorOf(storage.put("large", large))).code).to.equal(
      "OFFSITE_UNREACHABLE",
    );
  });

  it("is the address when nobody there speaks TLS, or it is none", async () => {
    for (const endpoint of [
      scene.server.endpoint.replace("http:", "https:"),
      "nonsense",
    ]) {
      const storage = await scene.open({ endpoint });
      const error = await errorOf(storage.listPage(""));
      expect(error.code).to.equal("OFFSITE_FAILED");
    }
  });
});

function setClock(server: S3Server, minutesAhead: number): void {
  server.now = () => new Date(Date.now() + minutesAhead * 60_000);
}
