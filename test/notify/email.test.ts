import { expect } from "chai";

import { deliver, type Delivery } from "../../src/notify/deliver.js";
import { mailOf, openEmail } from "../../src/notify/email.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { requirePrograms } from "../helpers/programs.js";
import { announcementOf } from "./announcements.js";
import { FakeTiming } from "./fake-timing.js";
import { MailRecorder, makeCertificate } from "./mail-recorder.js";

const CREDENTIALS = "takumi:pa%3Ass%2F5ecret";
const ADDRESSES = {
  from: "dr@takumi.io",
  to: ["incidents@takumi.io", "oncall@takumi.io"],
};

describe("e-mail", () => {
  const folder = useTemporaryFolder();
  let timing: FakeTiming;
  let server: MailRecorder | undefined;

  before(function () {
    requirePrograms(this, "openssl");
  });

  beforeEach(() => {
    timing = new FakeTiming();
  });

  afterEach(async () => {
    await server?.stop();
    server = undefined;
  });

  async function send(
    url: string,
    settings: { readonly caFile?: string; readonly allowPlain?: boolean } = {},
    changes = {},
  ): Promise<Delivery> {
    return await deliver(
      "email",
      async () =>
        await openEmail({ ...ADDRESSES, allowPlain: false, ...settings }, url),
      announcementOf(changes),
      { timing, limitMs: 20_000, id: "msg_1" },
    );
  }

  for (const [name, protocol] of [
    ["STARTTLS", "smtp"],
    ["TLS from the first byte", "smtps"],
  ] as const) {
    it(`goes over ${name}, with user and password`, async () => {
      const { key, cert, file } = makeCertificate(folder.path);
      const secure = protocol === "smtps";
      server = await MailRecorder.start({ key, cert, secure });
      const url = server.url(CREDENTIALS, protocol);
      const { error, receipt } = await send(url, { caFile: file });
      expect(error).to.equal(undefined);
      expect(receipt).to.match(/^250 /);
      const [mail] = server.mails;
      expect(mail).to.deep.include({ ...ADDRESSES, user: "takumi" });
      expect(mail!.isSecure).to.equal(true);
      expect(mail!.raw).to.match(
        /^Subject: \[critical\] SkillProfile is being drained\r$/m,
      );
      expect(mail!.raw).to.match(/^Auto-Submitted: auto-generated\r$/m);
      expect(mail!.raw).to.match(/^Message-ID: <msg_1@takumi\.io>\r$/m);
      expect(mail!.raw).to.include("The multisig is on its way.");
      expect(mail!.raw).to.include("Severity: critical (trigger)");
    });
  }

  it("keeps what is about one incident together", async () => {
    server = await MailRecorder.start({ hideSTARTTLS: true });
    const options = { allowPlain: true };
    await send(server.url(), options);
    await send(server.url(), options, { action: "resolve" });
    await send(server.url(), options, { key: "another" });
    const [a, b, c] = server.mails.map(
      ({ raw }) => /^References: (.*)\r$/m.exec(raw)![1],
    );
    expect(server.mails[1]!.raw).to.match(/^Subject: \[critical, resolved\] /m);
    expect(a).to.equal(b);
    expect(a).to.not.equal(c);
  });

  it("isn't sent to a server without TLS, nor is the password", async () => {
    server = await MailRecorder.start({
      hideSTARTTLS: true,
      disabledCommands: ["STARTTLS"],
    });
    const { error, attempts } = await send(server.url(CREDENTIALS));
    expect(error!.code).to.equal("NOTIFY_TLS_FAILED");
    expect(attempts).to.equal(1);
    expect(server.mails).to.deep.equal([]);
    expect(server.logins).to.deep.equal([]);
  });

  it("is sent there where that is allowed", async () => {
    server = await MailRecorder.start({ hideSTARTTLS: true });
    const { error } = await send(server.url(), { allowPlain: true });
    expect(error).to.equal(undefined);
    expect(server.mails[0]!.isSecure).to.equal(false);
  });

  it("isn't sent to a server whose certificate nobody vouches for", async () => {
    const { key, cert } = makeCertificate(folder.path);
    for (const secure of [false, true]) {
      server = await MailRecorder.start({ key, cert, secure });
      const url = server.url(CREDENTIALS, secure ? "smtps" : "smtp");
      for (const allowPlain of [false, true]) {
        const { error } = await send(url, { allowPlain });
        expect(error!.code).to.equal("NOTIFY_TLS_FAILED");
      }
      expect(server.logins).to.deep.equal([]);
      await server.stop();
    }
    server = undefined;
  });

  it("says that the password is wrong, and doesn't show it", async () => {
    const { key, cert, file } = makeCertificate(folder.path);
    server = await MailRecorder.start({ key, cert });
    const { error, attempts } = await send(server.url("takumi:5ecret-old"), {
      caFile: file,
    });
    expect(error!.code).to.equal("NOTIFY_DENIED");
    expect(attempts).to.equal(1);
    expect(error!.message).to.not.include("5ecret");
    expect(server.logins).to.deep.equal([{ user: "takumi", isSecure: true }]);
  });

  it("is sent again when the server is busy, not when it refuses", async () => {
    server = await MailRecorder.start({ hideSTARTTLS: true });
    server.refusal = { code: 451, words: "Greylisted" };
    const busy = await send(server.url(), { allowPlain: true });
    expect(busy.error!.code).to.equal("NOTIFY_BUSY");
    expect(busy.attempts).to.equal(4);
    server.refusal = { code: 554, words: "No spam today" };
    const refused = await send(server.url(), { allowPlain: true });
    expect(refused.error!.code).to.equal("NOTIFY_REFUSED");
    expect(refused.error!.message).to.include("No spam today");
    expect(refused.attempts).to.equal(1);
  });

  it("counts as not sent when one address is refused", async () => {
    server = await MailRecorder.start({
      hideSTARTTLS: true,
      onRcptTo: ({ address }, _session, callback) => {
        callback(
          address.startsWith("oncall")
            ? Object.assign(new Error("Who?"), { responseCode: 550 })
            : null,
        );
      },
    });
    const { error } = await send(server.url(), { allowPlain: true });
    expect(error!.code).to.equal("NOTIFY_REFUSED");
    expect(error!.message).to.include("oncall@takumi.io");
  });

  it("can't be reached: no such host, nobody there", async () => {
    const stopped = await MailRecorder.start();
    const url = stopped.url();
    await stopped.stop();
    for (const address of ["smtps://mail.takumi.invalid", url]) {
      const { error, attempts } = await send(address);
      expect(error!.code, error!.message).to.equal("NOTIFY_UNREACHABLE");
      expect(attempts).to.equal(4);
    }
  });

  it("takes no headers from what others wrote", async () => {
    server = await MailRecorder.start({ hideSTARTTLS: true });
    const evil = "x\r\nBcc: evil@evil.example\r\n\r\n.\r\nMAIL FROM:<a@b.c>";
    await send(
      server.url(),
      { allowPlain: true },
      { title: evil, text: evil, source: evil, key: evil },
    );
    const [mail] = server.mails;
    expect(server.mails).to.have.length(1);
    expect(mail!.to).to.deep.equal(ADDRESSES.to);
    const headers = mail!.raw.slice(0, mail!.raw.indexOf("\r\n\r\n"));
    expect(headers).to.not.match(/^(Bcc|MAIL)/im);
    expect(headers).to.match(/^Subject: /m);
    // Not only because nodemailer sees to it too.
    const { subject, references } = mailOf(
      announcementOf({ title: evil, key: evil }),
      ADDRESSES,
      { id: "msg_1" },
    );
    expect(subject + references).to.not.match(/\p{Cc}/u);
  });

  it("has a server whose URL changes nothing else", async () => {
    for (const url of [
      "mail.takumi.io",
      "https://mail.takumi.io",
      "smtps://u:5ecret@mail.takumi.io?tls.rejectUnauthorized=false",
      "smtps://u:5ecret@mail.takumi.io/path",
      "smtps://",
    ]) {
      const { error, attempts } = await send(url);
      expect(error!.code).to.equal("NOTIFY_SETTING_INVALID");
      expect(error!.message).to.not.include("5ecret");
      expect(attempts).to.equal(0);
    }
  });

  it("says that the authority's file can't be read", async () => {
    const caFile = `${folder.path}/none.pem`;
    const { error } = await send("smtps://mail.takumi.io", { caFile });
    expect(error!.code).to.equal("NOTIFY_SETTING_INVALID");
  });

  it("needs nodemailer, and says so", async () => {
    const missing = Object.assign(new Error("Cannot find package"), {
      code: "ERR_MODULE_NOT_FOUND",
    });
    const { error } = await deliver(
      "email",
      async () =>
        await openEmail(
          { ...ADDRESSES, allowPlain: false },
          "smtps://mail.takumi.io",
          async () => await Promise.reject(missing),
        ),
      announcementOf(),
      { timing, limitMs: 20_000, id: "msg_1" },
    );
    expect(error!.code).to.equal("NOTIFY_PACKAGE_MISSING");
  });
});
