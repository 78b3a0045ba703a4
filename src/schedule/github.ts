import { dirname, relative } from "node:path";

import {
  isInProject,
  quoteForShell,
  scriptOf,
  type ScheduleContext,
  type ScheduleFile,
} from "./context.js";
import type { SecretFile } from "./environment.js";
import {
  IS_MONDAY,
  JOBS,
  toCron,
  withoutMemory,
  type ScheduledJob,
} from "./jobs.js";

/** Majors, all of which run on Node 24. */
const ACTIONS = {
  cache: "actions/cache@v6",
  cacheRestore: "actions/cache/restore@v6",
  checkout: "actions/checkout@v7",
  setupNode: "actions/setup-node@v7",
  uploadArtifact: "actions/upload-artifact@v7",
} as const;

const NODE_VERSION = 24;
const TIMEOUT_MINUTES = 240;
/** A quarter's reports are there when the next one is due. */
const REPORT_DAYS = 100;

/** Where trials are restored, on the runner itself. */
const TRIAL_SERVER = "postgres://postgres@localhost:5432/postgres";

/** Whose backups are restored by roles that only the live server has. */
const RESTORING = new Set(["dr:db:verify", "dr:offsite:test"]);

/** A workflow for each job. */
export function githubFiles(context: ScheduleContext): readonly ScheduleFile[] {
  return withoutMemory(JOBS).map((job) => ({
    path: `dr-${job.name}.yml`,
    text: formatWorkflow(fitted(job, context), context),
  }));
}

/** The runner's own server has none of the roles that own things. */
function fitted(job: ScheduledJob, { needed }: ScheduleContext): ScheduledJob {
  return needed.trialServer === undefined
    ? job
    : {
        ...job,
        commands: job.commands.map((command) =>
          RESTORING.has(command[0] ?? "")
            ? [...command, "--no-owner"]
            : command,
        ),
      };
}

function formatWorkflow(job: ScheduledJob, context: ScheduleContext): string {
  const { project, needed } = context;
  const { name, title, cadence } = job;
  const isMonthly = cadence.every === "month";
  return `# Secrets: ${[...needed.secrets, ...needed.files.map(({ secret }) => secret)].join(", ") || "none"}
# Variables: ${Object.keys(needed.settings).join(", ") || "none"}
name: ${quote(`${project}: ${title}`)}

on:
  schedule:
    - cron: ${quote(toCron(cadence))} # UTC
  workflow_dispatch:

permissions:
  contents: read

concurrency:
  group: disaster-recovery-${name}
  cancel-in-progress: false

jobs:${isMonthly ? DUE_JOB : ""}
  ${name}:${isMonthly ? "\n    needs: due\n    if: needs.due.outputs.is-due == 'true'" : ""}
    runs-on: ubuntu-latest
    timeout-minutes: ${String(TIMEOUT_MINUTES)}${needed.trialServer === undefined ? "" : SERVICE}
    steps:
      - uses: ${ACTIONS.checkout}
        with:
          persist-credentials: false
      - uses: ${ACTIONS.setupNode}
        with:
          node-version: ${String(NODE_VERSION)}
      - run: npm ci
${formatManifestCache(job, context)}${formatKeySteps(context)}      - name: ${quote(title)}
${formatEnvironment(context)}        run: |
${indentBy(scriptOf(job, context), 10)}
${formatKeyRemoval(context)}      - name: Keep the reports
        if: always()
        uses: ${ACTIONS.uploadArtifact}
        with:
          name: dr-${name}-\${{ github.run_id }}-\${{ github.run_attempt }}
          path: |
            ${inProject(context, context.paths.backups)}/reports/*.json
            ${inProject(context, context.paths.logs)}/**
          if-no-files-found: warn
          retention-days: ${String(REPORT_DAYS)}
`;
}

/** Cron can't say "the first Monday": its first seven days are asked. By hand it is always due. */
const DUE_JOB = `
  due:
    runs-on: ubuntu-latest
    timeout-minutes: 5
    outputs:
      is-due: \${{ steps.day.outputs.is-due }}
    steps:
      - id: day
        env:
          EVENT: \${{ github.event_name }}
        run: |
          if [ "$EVENT" = workflow_dispatch ] || ${IS_MONDAY}; then
            echo is-due=true >> "$GITHUB_OUTPUT"
          else
            echo is-due=false >> "$GITHUB_OUTPUT"
          fi`;

const SERVICE = `
    services:
      postgres:
        image: postgres:18
        env:
          POSTGRES_HOST_AUTH_METHOD: trust
        ports:
          - 127.0.0.1:5432:5432
        options: >-
          --health-cmd pg_isready
          --health-interval 5s
          --health-timeout 5s
          --health-retries 12`;

/** Each backup names the one before it: the runner, which forgets, must be told of that. */
function formatManifestCache(
  { commands }: ScheduledJob,
  context: ScheduleContext,
): string {
  const isMaking = commands.some(([task]) => task === "dr:backup");
  const isLooking = commands.some(([task]) => task === "dr:offsite:list");
  if (!isMaking && !isLooking) {
    return "";
  }
  return `      - name: Recall which backups there were
        uses: ${isMaking ? ACTIONS.cache : ACTIONS.cacheRestore}
        with:
          path: ${inProject(context, context.paths.backups)}/*/*.manifest.json
          key: dr-manifests-\${{ github.run_id }}-\${{ github.run_attempt }}
          restore-keys: dr-manifests-
`;
}

function formatKeySteps({ root, needed: { files } }: ScheduleContext): string {
  if (files.length === 0) {
    return "";
  }
  const variables = files.map(
    ({ secret }) => `          ${secret}: \${{ secrets.${secret} }}`,
  );
  return `      - name: Bring the keys
        env:
${variables.join("\n")}
        run: |
          umask 077
${files
  .flatMap((file) => bringing(file, root))
  .map((line) => `          ${line}`)
  .join("\n")}
`;
}

function bringing(file: SecretFile, root: string): readonly string[] {
  const place = placeOf(file, root);
  const { variable, path, secret } = file;
  const content = `printf '%s\\n' "$${secret}"`;
  const isOutside = path !== undefined && !isInProject(root, path);
  return [
    ...(isOutside
      ? [
          `${content} | sudo install -D -m 600 -o "$(id -un)" /dev/stdin ${place}`,
        ]
      : [
          ...(path === undefined
            ? []
            : [`mkdir -p ${quoteForShell(dirname(relative(root, path)))}`]),
          `${content} > ${place}`,
        ]),
    ...(variable === undefined
      ? []
      : [`echo "${variable}=${place.replaceAll('"', "")}" >> "$GITHUB_ENV"`]),
  ];
}

function placeOf({ path, secret }: SecretFile, root: string): string {
  if (path === undefined) {
    return `"$RUNNER_TEMP/${secret.toLowerCase()}"`;
  }
  return quoteForShell(isInProject(root, path) ? relative(root, path) : path);
}

/** For runners of one's own, which stay. */
function formatKeyRemoval({
  root,
  needed: { files },
}: ScheduleContext): string {
  if (files.length === 0) {
    return "";
  }
  const places = files.map((file) => placeOf(file, root)).join(" ");
  const isOutside = files.some(
    ({ path }) => path !== undefined && !isInProject(root, path),
  );
  return `      - name: Take the keys away
        if: always()
        run: ${isOutside ? "sudo " : ""}rm -f ${places}
`;
}

/** Only the step that needs them sees the secrets. */
function formatEnvironment({
  needed: { secrets, settings, trialServer },
}: ScheduleContext): string {
  const lines = [
    ...secrets.map((name) => `${name}: \${{ secrets.${name} }}`),
    ...Object.keys(settings).map((name) => `${name}: \${{ vars.${name} }}`),
    ...(trialServer === undefined ? [] : [`${trialServer}: ${TRIAL_SERVER}`]),
  ];
  return lines.length === 0
    ? ""
    : `        env:\n${lines.map((line) => `          ${line}\n`).join("")}`;
}

function inProject({ root }: ScheduleContext, path: string): string {
  return isInProject(root, path) ? relative(root, path) : path;
}

/** As YAML, of which JSON's strings are a part. */
function quote(text: string): string {
  return JSON.stringify(text);
}

function indentBy(text: string, spaces: number): string {
  return text.replaceAll(/^/gm, " ".repeat(spaces));
}
