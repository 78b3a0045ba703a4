import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";

import { SMTPServer, type SMTPServerOptions } from "smtp-server";

export interface RecordedMail {
  readonly from: string;
  readonly to: readonly string[];
  readonly user: string | undefined;
  readonly isSecure: boolean;
  /** Headers and text as they came. */
  readonly raw: string;
}

/** A mail server that keeps what arrives. */
export class MailRecorder {
  readonly mails: RecordedMail[] = [];
  /** Every line of authentication that was tried, and whether it was over TLS. */
  readonly logins: { readonly user: string; readonly isSecure: boolean }[] = [];
  /** What it answers to a message instead of taking it. */
  refusal: { readonly code: number; readonly words: string } | undefined;
  readonly #server: SMTPServer;

  private constructor(options: SMTPServerOptions) {
    this.#server = new SMTPServer({
      authOptional: true,
      allowInsecureAuth: true,
      disableReverseLookup: true,
      logger: false,
      onAuth: ({ username = "", password }, { secure }, callback) => {
        this.logins.push({ user: username, isSecure: secure });
        callback(null, password === "pa:ss/5ecret" ? { user: username } : {});
      },
      onData: (stream, { envelope, user, secure }, callback) => {
        void text(stream).then((raw) => {
          if (this.refusal !== undefined) {
            const { code, words } = this.refusal;
            callback(Object.assign(new Error(words), { responseCode: code }));
            return;
          }
          const { mailFrom, rcptTo } = envelope;
          this.mails.push({
            from: mailFrom === false ? "" : mailFrom.address,
            to: rcptTo.map(({ address }) => address),
            user: user as string | undefined,
            isSecure: secure,
            raw,
          });
          callback(null);
        });
      },
      ...options,
    });
    // A client that hangs up is no failure of a server's.
    this.#server.on("error", () => undefined);
  }

  static async start(options: SMTPServerOptions = {}): Promise<MailRecorder> {
    const recorder = new MailRecorder(options);
    const listening = once(recorder.#server.server, "listening");
    recorder.#server.listen(0, "127.0.0.1");
    await listening;
    return recorder;
  }

  /** `smtp://USER@127.0.0.1:PORT` */
  url(credentials = "", protocol = "smtp"): string {
    const { port } = this.#server.server.address() as AddressInfo;
    const at = credentials === "" ? "" : `${credentials}@`;
    return `${protocol}://${at}127.0.0.1:${String(port)}`;
  }

  async stop(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.close(resolve);
    });
  }
}

/** A key and a certificate for this machine that only whoever is told of it trusts. */
export function makeCertificate(folder: string): {
  readonly key: string;
  readonly cert: string;
  readonly file: string;
} {
  const [keyFile, file] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  execFileSync(
    "openssl",
    [
      ...["req", "-x509", "-newkey", "ec", "-nodes", "-days", "2"],
      ...["-pkeyopt", "ec_paramgen_curve:prime256v1"],
      ...["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
      ...["-keyout", keyFile, "-out", file],
    ],
    { stdio: "ignore" },
  );
  return {
    key: readFileSync(keyFile, "utf8"),
    cert: readFileSync(file, "utf8"),
    file,
  };
}
