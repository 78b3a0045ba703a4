import { task } from "hardhat/config";
import { ArgumentType } from "hardhat/types/arguments";
import type { NewTaskDefinitionBuilder } from "hardhat/types/tasks";

interface DrArguments {
  readonly json: boolean;
}

interface ChangingArguments extends DrArguments {
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly from: string | undefined;
  readonly route: string | undefined;
  readonly confirmations: string | undefined;
  readonly privateRpc: string | undefined;
}

/** What every task takes: `--json`. */
export function drTask(
  id: string,
  description: string,
): NewTaskDefinitionBuilder<DrArguments> {
  return task(id, description).addFlag({
    name: "json",
    description: "Print one JSON object on stdout and nothing else there",
  });
}

/** What every task takes that changes something. */
export function changingTask(
  id: string,
  description: string,
): NewTaskDefinitionBuilder<ChangingArguments> {
  return drTask(id, description)
    .addFlag({
      name: "dryRun",
      description: "Print the plan and touch nothing",
    })
    .addFlag({ name: "yes", description: "Don't ask for confirmation" })
    .addOption({
      name: "from",
      description: "The account to act with; default: whoever may",
      type: ArgumentType.STRING_WITHOUT_DEFAULT,
      defaultValue: undefined,
    })
    .addOption({
      name: "route",
      description:
        "Who shall act: direct, safe, timelock or access-manager; default: whoever is best",
      type: ArgumentType.STRING_WITHOUT_DEFAULT,
      defaultValue: undefined,
    })
    .addOption({
      name: "confirmations",
      description: "Blocks to wait for, a transaction's own included",
      type: ArgumentType.STRING_WITHOUT_DEFAULT,
      defaultValue: undefined,
    })
    .addOption({
      name: "privateRpc",
      description:
        "Send transactions to this RPC, where a watcher can't see them",
      type: ArgumentType.STRING_WITHOUT_DEFAULT,
      defaultValue: undefined,
    });
}
