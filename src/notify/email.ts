import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";

import type { SMTPTransportOptions } from "nodemailer/lib/smtp-transport";

import type { NotifyConfig } from "../config/types.js";
import type { Announcement } from "../core/announcement.js";
import { DrError, messageOf } from "../core/errors.js";
import { loadOptional } from "../core/optional-package.js";
import { decodePart, redacting } from "../core/redact.js";
import type { Attempt, Channel, Sent } from "./channel.js";
import { pageLinks } from "./links.js";
import { clip, lines, oneLine } from "./text.js";

type EmailConfig = NonNullable<NotifyConfig["email"]>;

/** Where mail is handed in. */
interface MailServer {
  readonly host: string;
  readonly port: number;
  /** TLS from the first byte; else by STARTTLS. */
  readonly secure: boolean;
  readonly auth?: { readonly user: string; readonly pass: string };
}

const SUBMISSION_PORT = 587;
const SUBMISSIONS_PORT = 465;
const LONGEST_SUBJECT = 200;
const LONGEST_REASON = 300;

/** Whoever sees only the subject must see that it is over. */
const SUBJECTS: Readonly<Record<Announcement["action"], string>> = {
  trigger: "",
  acknowledge: ", acknowledged",
  resolve: ", resolved",
  change: ", for your information",
};

/** What went wrong, as nodemailer says it. */
interface MailError {
  readonly code?: string;
  readonly message: string;
  /** The server's last answer, and its code. */
  readonly response?: string;
  readonly responseCode?: number;
}

/**
 * E-mail by SMTP.
 *
 * @param load - The optional package it needs.
 * @throws {DrError} NOTIFY_PACKAGE_MISSING, NOTIFY_SETTING_INVALID.
 */
export async function openEmail(
  { from, to, caFile, allowPlain }: Omit<EmailConfig, "server">,
  address: string,
  load: () => Promise<typeof import("nodemailer")> = async () =>
    await import("nodemailer"),
): Promise<Channel> {
  const { createTransport } = await loadNodemailer(load);
  const server = parseMailServer(address);
  const ca = caFile === undefined ? undefined : await readAuthority(caFile);
  const { auth } = server;
  const login = `\0${auth?.user ?? ""}\0${auth?.pass ?? ""}`;
  const redact = redacting([
    address,
    auth?.pass ?? "",
    auth?.user ?? "",
    // As they go over the wire; a server may quote what it was sent.
    ...[login, auth?.pass ?? ""].map((text) =>
      Buffer.from(text).toString("base64"),
    ),
  ]);
  return {
    name: "email",
    address: server.host,
    redact,
    send: async (announcement, attempt) => {
      const { limitMs, signal } = attempt;
      const options: SMTPTransportOptions = {
        ...server,
        requireTLS: !server.secure && !allowPlain,
        tls: { minVersion: "TLSv1.2", ...(ca === undefined ? {} : { ca }) },
        connectionTimeout: limitMs,
        greetingTimeout: limitMs,
        socketTimeout: limitMs,
        dnsTimeout: limitMs,
        // A message never reads files or asks for URLs.
        disableFileAccess: true,
        disableUrlAccess: true,
      };
      const transport = createTransport(options);
      try {
        const { rejected, response } = await transport.sendMail(
          mailOf(announcement, { from, to }, attempt),
        );
        if (rejected.length > 0) {
          throw refused(server, `it takes no mail for ${rejected.join(", ")}`);
        }
        return { status: "delivered", receipt: oneLine(redact(response)) };
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof DrError) {
          throw error;
        }
        return judge(error as MailError, server, redact);
      } finally {
        transport.close();
      }
    },
  };
}

/** What is said, as a mail; those about one thing stand together in a mailbox. */
export function mailOf(
  announcement: Announcement,
  { from, to }: Pick<EmailConfig, "from" | "to">,
  { id }: Pick<Attempt, "id">,
): {
  readonly from: string;
  readonly to: string[];
  readonly subject: string;
  readonly text: string;
  readonly messageId: string;
  readonly references: string;
  readonly headers: Record<string, string>;
} {
  const { key, severity, title, text, source, action, at } = announcement;
  const domain = from.slice(from.lastIndexOf("@") + 1);
  const thread = createHash("sha256").update(key).digest("hex").slice(0, 32);
  const heading = oneLine(title);
  const links = pageLinks(announcement).map(
    ({ title: words, url }) => `${oneLine(words)}: ${url}`,
  );
  const facts = [
    `Severity: ${severity} (${action})`,
    `Where: ${oneLine(source)}`,
    `When: ${at.toISOString()}`,
  ];
  return {
    from,
    to: [...to],
    subject: clip(
      `[${severity}${SUBJECTS[action]}] ${heading}`,
      LONGEST_SUBJECT,
    ),
    text: [heading, lines(text), facts.join("\n"), links.join("\n")]
      .filter((part) => part !== "")
      .join("\n\n"),
    messageId: `<${id}@${domain}>`,
    references: `<${thread}@${domain}>`,
    // Nobody's out-of-office note need answer it (RFC 3834).
    headers: { "Auto-Submitted": "auto-generated" },
  };
}

async function loadNodemailer(
  load: () => Promise<typeof import("nodemailer")>,
): Promise<typeof import("nodemailer")> {
  return await loadOptional(
    load,
    (cause) => new DrError("NOTIFY_PACKAGE_MISSING", {}, { cause }),
  );
}

/** By hand: nodemailer would take any of its options from the URL, such as to trust any certificate. */
function parseMailServer(address: string): MailServer {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const isMail = url?.protocol === "smtp:" || url?.protocol === "smtps:";
  if (url === undefined || !isMail || url.hostname === "") {
    throw invalidServer("it must begin with smtps:// or smtp://");
  }
  if (url.search !== "" || !["", "/"].includes(url.pathname)) {
    throw invalidServer("nothing may follow the host and the port");
  }
  const secure = url.protocol === "smtps:";
  const [user, pass] = [decodePart(url.username), decodePart(url.password)];
  return {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: Number(url.port) || (secure ? SUBMISSIONS_PORT : SUBMISSION_PORT),
    secure,
    ...(user === "" ? {} : { auth: { user, pass } }),
  };
}

function invalidServer(reason: string): DrError {
  const setting = "dr.notify.email.server";
  return settingInvalid(setting, reason);
}

function settingInvalid(setting: string, reason: string): DrError {
  return new DrError("NOTIFY_SETTING_INVALID", {
    channel: "email",
    setting,
    reason,
  });
}

async function readAuthority(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw settingInvalid("dr.notify.email.caFile", messageOf(error));
  }
}

const UNREACHABLE = ["ECONNECTION", "EDNS", "ETIMEDOUT", "ESOCKET"];

/** OpenSSL's words: nodemailer has but one code for all that befalls a socket. */
const TLS_TROUBLE = /certificate|altname|\b(ssl|tls)/i;

/** @throws {DrError} when trying again won't help. */
function judge(
  { code = "", message, response, responseCode = 0 }: MailError,
  server: MailServer,
  redact: (text: string) => string,
): Sent {
  const at = {
    channel: "email",
    host: server.host,
    reason: clip(oneLine(redact(response ?? message)), LONGEST_REASON),
  };
  if (code === "EAUTH" || code === "ENOAUTH") {
    throw new DrError("NOTIFY_DENIED", at);
  }
  const isTls = code === "ESOCKET" && TLS_TROUBLE.test(message);
  if (code === "ETLS" || isTls) {
    throw new DrError("NOTIFY_TLS_FAILED", at);
  }
  if (responseCode >= 400 && responseCode < 500) {
    return { status: "postponed", error: new DrError("NOTIFY_BUSY", at) };
  }
  if (responseCode < 500 && (UNREACHABLE.includes(code) || isSystem(code))) {
    const error = new DrError("NOTIFY_UNREACHABLE", at);
    return { status: "postponed", error };
  }
  throw refused(server, at.reason);
}

/** The system's own names for a broken connection: ECONNREFUSED, ENOTFOUND. */
function isSystem(code: string): boolean {
  return /^(ECONN|ENOTFOUND|EAI_|EHOST|ENET|EPIPE)/.test(code);
}

function refused({ host }: MailServer, reason: string): DrError {
  return new DrError("NOTIFY_REFUSED", { channel: "email", host, reason });
}
