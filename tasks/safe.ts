import { ArgumentType } from "hardhat/types/arguments";

import { changingTask, drTask } from "./builders.js";

const ACCEPT_DANGER = {
  name: "acceptDanger",
  description: "Dangers, by comma, that were looked at and are meant",
  type: ArgumentType.STRING_WITHOUT_DEFAULT,
  defaultValue: undefined,
} as const;

const PROPOSAL = {
  name: "proposal",
  description: "Its safeTxHash, or its file",
} as const;

export const safeProposeTask = drTask(
  "dr:safe:propose",
  "Write a proposal for calls by a Safe, to be signed",
)
  .addFlag({ name: "dryRun", description: "Show it and write nothing" })
  .addFlag({ name: "yes", description: "Don't ask for confirmation" })
  .addOption({
    name: "safe",
    description: "The Safe's address; default: governance.safe of deploy.json",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addOption({
    name: "nonce",
    description: "Default: the Safe's next",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addOption(ACCEPT_DANGER)
  .addVariadicArgument({
    name: "calls",
    description: "NAME.method(args) …, all or none of them",
  })
  .setAction(() => import("./actions/safe-propose.js"))
  .build();

export const safeSignTask = drTask(
  "dr:safe:sign",
  "Show a Safe's transaction in full and sign it",
)
  .addFlag({ name: "dryRun", description: "Show it and sign nothing" })
  .addFlag({ name: "yes", description: "Don't ask for confirmation" })
  .addOption({
    name: "from",
    description: "The owner to sign as; default: the first whose key is here",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addOption({
    name: "signature",
    description: "A signature made elsewhere: 0x…",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addOption({
    name: "merge",
    description: "A copy of the file that others have signed",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addFlag({
    name: "service",
    description:
      "Exchange signatures with the Safe Transaction Service of dr.safeService",
  })
  .addOption(ACCEPT_DANGER)
  .addPositionalArgument(PROPOSAL)
  .setAction(() => import("./actions/safe-sign.js"))
  .build();

export const safeStatusTask = drTask(
  "dr:safe:status",
  "Show who has signed a Safe's transaction, and whether it can be executed",
)
  .addPositionalArgument({
    ...PROPOSAL,
    description: `${PROPOSAL.description}; default: all`,
    defaultValue: "",
  })
  .setAction(() => import("./actions/safe-status.js"))
  .build();

export const safeExecuteTask = changingTask(
  "dr:safe:execute",
  "Execute a Safe's transaction that enough owners have signed",
)
  .addOption(ACCEPT_DANGER)
  .addPositionalArgument(PROPOSAL)
  .setAction(() => import("./actions/safe-execute.js"))
  .build();
