import { createHmac, randomBytes } from "node:crypto";

import { expect } from "chai";

import { deliver } from "../../src/notify/deliver.js";
import { openWebhook, signWebhook } from "../../src/notify/webhook.js";
import { announcementOf } from "./announcements.js";
import { FakeTiming, NOW } from "./fake-timing.js";
import { HttpRecorder, type RecordedRequest } from "./http-recorder.js";

const KEY = randomBytes(32);
const SECRET = `whsec_${KEY.toString("base64")}`;

/** As whoever receives it checks it, by the standard. */
function signatureOf({ headers, body }: RecordedRequest): string {
  const { "webhook-id": id, "webhook-timestamp": timestamp } = headers;
  const signed = `${String(id)}.${String(timestamp)}.${body}`;
  return `v1,${createHmac("sha256", KEY).update(signed).digest("base64")}`;
}

describe("a webhook of one's own", () => {
  let server: HttpRecorder;
  let timing: FakeTiming;

  beforeEach(async () => {
    server = await HttpRecorder.start({ status: 204 });
    timing = new FakeTiming();
  });

  afterEach(async () => {
    await server.stop();
  });

  const send = async () =>
    await deliver(
      "webhook",
      async () =>
        await Promise.resolve(
          openWebhook(`${server.url}/hook?key=5ecret-token`, SECRET),
        ),
      announcementOf({ links: [{ title: "R", url: "https://takumi.io/" }] }),
      { timing, limitMs: 20_000, id: "msg_1" },
    );

  it("is signed as Standard Webhooks says", async () => {
    expect(await send()).to.include({ receipt: "HTTP 204" });
    const [request] = server.requests;
    expect(request!.headers).to.include({
      "content-type": "application/json",
      "webhook-id": "msg_1",
      "webhook-timestamp": String(NOW.getTime() / 1000),
      "webhook-signature": signatureOf(request!),
    });
    expect(server.json()).to.deep.equal({
      type: "dr.trigger",
      timestamp: "2026-11-20T03:15:00.000Z",
      data: {
        key: "takumi/mainnet/INC-7",
        severity: "critical",
        title: "SkillProfile is being drained",
        text: "All contracts are paused.\nThe multisig is on its way.",
        source: "takumi on mainnet",
        links: [{ title: "R", url: "https://takumi.io/" }],
      },
    });
  });

  it("is signed as in the standard's own example", () => {
    // https://github.com/standard-webhooks/standard-webhooks, its libraries' tests
    const key = Buffer.from("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "base64");
    const signature = signWebhook(
      key,
      "msg_p5jXN8AQM9LWM0D4loKWxJek",
      "1614265330",
      '{"test": 2432232314}',
    );
    expect(signature).to.equal(
      "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    );
  });

  it("keeps its id and gets a new time when it is sent again", async () => {
    server.answers.push({ status: 503, headers: { "retry-after": "5" } });
    expect(await send()).to.include({ attempts: 2 });
    const [first, second] = server.requests;
    expect(second!.headers["webhook-id"]).to.equal("msg_1");
    expect(Number(second!.headers["webhook-timestamp"])).to.equal(
      Number(first!.headers["webhook-timestamp"]) + 5,
    );
    expect(second!.headers["webhook-signature"]).to.equal(signatureOf(second!));
  });

  it("shows neither its token nor its key when it is refused", async () => {
    server.otherwise = { status: 403, body: `5ecret-token ${SECRET}` };
    const { error } = await send();
    expect(error!.code).to.equal("NOTIFY_REFUSED");
    expect(error!.message).to.not.match(/5ecret|whsec_/);
  });

  it("takes no key that is too short to be one", () => {
    for (const secret of ["", "whsec_", "hunter2", "whsec_c2hvcnQ=", "a b c"]) {
      expect(() => openWebhook(server.url, secret))
        .to.throw()
        .with.property("code", "NOTIFY_SETTING_INVALID");
    }
  });
});
