import {
  inCopy,
  plainName,
  scriptOf,
  WORKDIR,
  type ScheduleContext,
  type ScheduleFile,
} from "./context.js";
import { IS_MONDAY, JOBS, toCron, type ScheduledJob } from "./jobs.js";

/** Where the keys come from, and where a task finds them: owned by its user, and read by nobody else. */
const SECRET_FOLDER = "/run/secrets/hardhat-dr";
const KEY_FOLDER = "/run/keys/hardhat-dr";

/** Of the image's `node`, say. */
const USER_ID = 1000;

/** One file with a volume for backups and a CronJob for each job. */
export function kubernetesFiles(
  context: ScheduleContext,
): readonly ScheduleFile[] {
  const name = nameOf(context);
  const documents = [
    formatVolume(context),
    ...JOBS.map((job) => formatCronJob(job, context)),
  ];
  return [
    {
      path: `${name}.yaml`,
      text: `${formatHead(context)}${documents.join("---\n")}`,
    },
  ];
}

function nameOf({ project }: Pick<ScheduleContext, "project">): string {
  return `hardhat-dr-${plainName(project)}`;
}

/** Secrets are made by hand, or by whatever the cluster keeps them with. */
function formatHead(context: ScheduleContext): string {
  const { project, needed } = context;
  const { files } = needed;
  const name = nameOf(context);
  const variables = secretVariables(context);
  return `# Disaster recovery of ${project}. The image holds the project in ${WORKDIR}, with
# its node_modules and PostgreSQL's client programs. Secrets, which aren't here:
${
  variables.length === 0
    ? ""
    : `#   kubectl create secret generic ${name} --from-env-file=FILE
#     with ${variables.join(", ")}
`
}${
    files.length === 0
      ? ""
      : `#   kubectl create secret generic ${name}-keys ${files.map(({ secret }) => `--from-file=${secret}=FILE`).join(" ")}
`
  }`;
}

function secretVariables({
  needed: { secrets, trialServer },
}: ScheduleContext): readonly string[] {
  return trialServer === undefined ? secrets : [...secrets, trialServer];
}

/** Backups and logs stay from one job to the next. */
function formatVolume(context: ScheduleContext): string {
  return `apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: ${nameOf(context)}
  labels:
    app.kubernetes.io/name: hardhat-dr
    app.kubernetes.io/instance: ${plainName(context.project)}
spec:
  accessModes: [ReadWriteOnce]
  resources:
    requests:
      storage: 20Gi
`;
}

function formatCronJob(job: ScheduledJob, context: ScheduleContext): string {
  const { project, root, image, paths, needed } = context;
  const { cadence } = job;
  const script =
    cadence.every === "month"
      ? `${IS_MONDAY} || exit 0\n${scriptOf(job, context)}`
      : scriptOf(job, context);
  const hasKeys = needed.files.length > 0;
  return `apiVersion: batch/v1
kind: CronJob
metadata:
  name: ${nameOf(context)}-${job.name}
  labels:
    app.kubernetes.io/name: hardhat-dr
    app.kubernetes.io/instance: ${plainName(project)}
spec:
  schedule: ${quote(toCron(cadence))}
  timeZone: Etc/UTC
  concurrencyPolicy: Forbid
  startingDeadlineSeconds: 3600
  successfulJobsHistoryLimit: 3
  failedJobsHistoryLimit: 5
  jobTemplate:
    spec:
      # What was refused, or failed, isn't tried again: people are to look at it.
      backoffLimit: 0
      activeDeadlineSeconds: 14400
      template:
        metadata:
          labels:
            app.kubernetes.io/name: hardhat-dr
            app.kubernetes.io/instance: ${plainName(project)}
        spec:
          restartPolicy: Never
          automountServiceAccountToken: false
          # Told to end, a task stops at a safe point.
          terminationGracePeriodSeconds: 300
          securityContext:
            runAsNonRoot: true
            runAsUser: ${String(USER_ID)}
            runAsGroup: ${String(USER_ID)}
            fsGroup: ${String(USER_ID)}
            fsGroupChangePolicy: OnRootMismatch
            seccompProfile:
              type: RuntimeDefault
${hasKeys ? formatKeyCopier(context) : ""}          containers:
            - name: ${job.name}
              image: ${quote(image)}
              workingDir: ${WORKDIR}
              command: [/bin/sh, -c]
              args:
                - |
${indentBy(script, 18)}
${formatEnvironment(context)}              resources:
                requests:
                  cpu: 250m
                  memory: 512Mi
                limits:
                  memory: 2Gi
              securityContext:
                allowPrivilegeEscalation: false
                capabilities:
                  drop: [ALL]
              volumeMounts:
                - name: state
                  mountPath: ${quote(inCopy(root, paths.backups, WORKDIR))}
                  subPath: backups
                - name: state
                  mountPath: ${quote(inCopy(root, paths.logs, WORKDIR))}
                  subPath: logs
${hasKeys ? formatKeyMounts(context) : ""}          volumes:
            - name: state
              persistentVolumeClaim:
                claimName: ${nameOf(context)}
${hasKeys ? formatKeyVolumes(context) : ""}`;
}

/** A mounted secret belongs to root, and a group reads it: such a key is refused. */
function formatKeyCopier({
  image,
  needed: { files },
}: ScheduleContext): string {
  const lines = files.map(
    ({ secret }) =>
      `                  install -m 600 ${SECRET_FOLDER}/${secret} ${KEY_FOLDER}/${secret}`,
  );
  return `          initContainers:
            - name: keys
              image: ${quote(image)}
              command: [/bin/sh, -ec]
              args:
                - |
${lines.join("\n")}
              resources:
                requests:
                  cpu: 10m
                  memory: 16Mi
                limits:
                  memory: 64Mi
              securityContext:
                allowPrivilegeEscalation: false
                capabilities:
                  drop: [ALL]
              volumeMounts:
                - name: secret-keys
                  mountPath: ${SECRET_FOLDER}
                  readOnly: true
                - name: keys
                  mountPath: ${KEY_FOLDER}
`;
}

/** Each where the configuration looks for it. */
function formatKeyMounts({ root, needed: { files } }: ScheduleContext): string {
  return files
    .map(
      ({ secret, path }) => `                - name: keys
                  mountPath: ${quote(path === undefined ? `${KEY_FOLDER}/${secret}` : inCopy(root, path, WORKDIR))}
                  subPath: ${secret}
                  readOnly: true
`,
    )
    .join("");
}

function formatKeyVolumes(context: ScheduleContext): string {
  return `            - name: secret-keys
              secret:
                secretName: ${nameOf(context)}-keys
                defaultMode: 288 # 0440
            - name: keys
              emptyDir:
                medium: Memory
                sizeLimit: 1Mi
`;
}

function formatEnvironment(context: ScheduleContext): string {
  const { settings, files } = context.needed;
  const variables = [
    // What Hardhat keeps of its own goes where anybody may write.
    ["HOME", "/tmp"],
    ...Object.entries(settings),
    ...files.flatMap(({ variable, secret }) =>
      variable === undefined ? [] : [[variable, `${KEY_FOLDER}/${secret}`]],
    ),
  ] as [string, string][];
  const secret = `              envFrom:
                - secretRef:
                    name: ${nameOf(context)}
`;
  return `${secretVariables(context).length === 0 ? "" : secret}              env:
${variables
  .map(
    ([name, value]) =>
      `                - name: ${name}\n                  value: ${quote(value)}\n`,
  )
  .join("")}`;
}

/** As YAML, of which JSON's strings are a part. */
function quote(text: string): string {
  return JSON.stringify(text);
}

function indentBy(text: string, spaces: number): string {
  return text.replaceAll(/^/gm, " ".repeat(spaces));
}
