// Installs what this repository needs, if it isn't there yet, then runs the
// command after `--`. Plain JavaScript without dependencies, for it must run on
// whatever Node the machine has (18 or newer); the command gets Node 24.
//
//   node scripts/setup.mjs [--test] [-- command arguments…]
//
// --test  also installs what only tests need (test/anvil)

import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  linkSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { constants, tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const MODULES = join(ROOT, "node_modules");
const BIN = join(MODULES, ".bin");
const TEST_TOOLS = join(ROOT, "test", "anvil", "install.mjs");
const OLDEST_NODE = [22, 13];
const WINDOWS = process.platform === "win32";

const separator = process.argv.indexOf("--");
const options = process.argv.slice(2, separator < 0 ? undefined : separator);
const command = separator < 0 ? [] : process.argv.slice(separator + 1);

const release = await acquireLock();
try {
  const reason = whatIsMissing();
  if (reason !== undefined) {
    install(reason);
  }
  if (options.includes("--test") && existsSync(TEST_TOOLS)) {
    await installTestTools();
  }
} finally {
  release();
}
if (command.length > 0) {
  process.exitCode = await run(...command);
}

function install(reason) {
  say(`installing the dependencies (${reason}); this takes about a minute.`);
  const started = Date.now();
  const node = nodeToInstallWith();
  const { status } = spawnSync("npm", ["ci", "--no-audit", "--no-fund"], {
    cwd: ROOT,
    env: environment(dirname(node)),
    shell: WINDOWS,
    stdio: ["ignore", "inherit", "inherit"],
  });
  if (status !== 0) {
    fail("`npm ci` failed; see above. Is the npm registry reachable?");
  }
  const missing = whatIsMissing();
  if (missing !== undefined) {
    fail(
      `\`npm ci\` succeeded, but ${missing}. Does npm leave out optional packages or install scripts here? Check \`npm config get omit\` and \`npm config get ignore-scripts\`.`,
    );
  }
  say(`done in ${Math.round((Date.now() - started) / 1000)} s.`);
}

async function installTestTools() {
  if ((await run("node", TEST_TOOLS)) !== 0) {
    fail("the tools of the tests could not be installed; see above.");
  }
}

/**
 * What is lacking in node_modules, in words; nothing when it is as
 * package-lock.json asks. npm writes its own record of what it installed when
 * it is through, so an interrupted `npm ci` is noticed.
 */
function whatIsMissing() {
  const installed = packagesOf(join(MODULES, ".package-lock.json"));
  if (installed === undefined) {
    return "not installed yet";
  }
  const wanted = packagesOf(join(ROOT, "package-lock.json"));
  for (const [path, { version, optional }] of Object.entries(wanted)) {
    const found = installed[path]?.version;
    if (
      path !== "" &&
      found !== version &&
      !(optional && found === undefined)
    ) {
      return "package-lock.json has changed";
    }
  }
  if (!hasNativeChain(installed)) {
    return "Hardhat's native EVM package is missing";
  }
  const { stdout } = spawnSync(join(BIN, "node"), ["--version"], {
    encoding: "utf8",
    shell: WINDOWS,
  });
  return isRecent(stdout?.trim().slice(1) ?? "")
    ? undefined
    : "Node 24 is missing";
}

function packagesOf(lockFile) {
  try {
    return JSON.parse(readFileSync(lockFile, "utf8")).packages;
  } catch {
    return undefined;
  }
}

/** An older Node's npm silently leaves it out: it is optional, with `engines`. */
function hasNativeChain(installed) {
  const prefix = `node_modules/@nomicfoundation/edr-${process.platform}-${process.arch}`;
  return Object.keys(installed).some(
    (path) =>
      path.startsWith(prefix) &&
      readdirOrEmpty(join(ROOT, path)).some((name) => name.endsWith(".node")),
  );
}

function readdirOrEmpty(directory) {
  return existsSync(directory) ? readdirSync(directory) : [];
}

function isRecent(version) {
  const [major, minor] = version.split(".").map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_NODE;
  return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
}

/** The machine's Node when it is recent, else one that npm fetches into its cache. */
function nodeToInstallWith() {
  const ours = process.execPath.startsWith(MODULES);
  if (!ours && isRecent(process.versions.node)) {
    return process.execPath;
  }
  say("fetching Node 24 to install with.");
  // npx would take the `node` of a package it is started in, and ours goes away.
  const { status, stdout } = spawnSync(
    `npx --yes --package=${platformNode()}@24 -c "node -p process.execPath"`,
    {
      cwd: tmpdir(),
      encoding: "utf8",
      env: environment(),
      shell: true,
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  const node = stdout?.trim().split("\n").at(-1) ?? "";
  if (status !== 0 || !existsSync(node)) {
    fail(
      "Node 24 could not be fetched; see above. Is the npm registry reachable?",
    );
  }
  return node;
}

/**
 * The package that holds this platform's Node itself. `node` would fetch it with
 * an install script, which npm runs, asks about or refuses, version by version.
 */
function platformNode() {
  const platform = WINDOWS ? "win" : process.platform;
  const name =
    platform === "darwin" && process.arch === "arm64" ? "node-bin" : "node";
  return `${name}-${platform}-${process.arch}`;
}

/** The environment with our own `.bin` off the PATH and `first` in front. */
function environment(...first) {
  const name =
    Object.keys(process.env).find((key) => key.toUpperCase() === "PATH") ??
    "PATH";
  const rest = (process.env[name] ?? "")
    .split(delimiter)
    .filter((directory) => resolve(directory) !== BIN);
  return { ...process.env, [name]: [...first, ...rest].join(delimiter) };
}

/** The exit code of a program run with our `.bin`, and so Node 24, first on the PATH. */
async function run(program, ...programArguments) {
  const child = spawn(program, programArguments, {
    cwd: ROOT,
    env: environment(BIN),
    shell: WINDOWS,
    stdio: "inherit",
  });
  // Ctrl-C reaches the child by itself; this process only has to outlive it.
  const ignore = () => undefined;
  const forward = (signal) => child.kill(signal);
  process.on("SIGINT", ignore).on("SIGTERM", forward).on("SIGHUP", forward);
  return await new Promise((done) => {
    child.on("error", (error) => {
      say(error.message);
      done(1);
    });
    child.on("close", (code, signal) => {
      done(code ?? 128 + constants.signals[signal]);
    });
  });
}

/**
 * Waits until no other set-up of this repository is at work. The lock lies
 * outside node_modules, which `npm ci` deletes; a dead owner's is taken over.
 */
async function acquireLock() {
  const key = createHash("sha256").update(ROOT).digest("hex").slice(0, 16);
  const lock = join(tmpdir(), `hardhat-dr-setup-${key}`);
  const mine = `${lock}.${process.pid}`;
  writeFileSync(mine, String(process.pid));
  let told = false;
  try {
    for (;;) {
      try {
        linkSync(mine, lock);
        break;
      } catch (error) {
        if (error.code !== "EEXIST") {
          throw error;
        }
      }
      const owner = ownerOf(lock);
      if (owner !== undefined && !isAlive(owner)) {
        rmSync(lock, { force: true });
      } else if (!told) {
        say(`waiting for another set-up (process ${owner}) to finish.`);
        told = true;
      }
      await new Promise((wake) => setTimeout(wake, 200));
    }
  } finally {
    rmSync(mine, { force: true });
  }
  const release = () => {
    rmSync(lock, { force: true });
  };
  process.once("exit", release);
  return release;
}

function ownerOf(lock) {
  try {
    return Number(readFileSync(lock, "utf8"));
  } catch {
    return undefined;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

function say(message) {
  process.stderr.write(`set-up: ${message}\n`);
}

function fail(message) {
  say(message);
  process.exit(1);
}
