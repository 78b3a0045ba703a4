import type { NewTaskActionFunction } from "hardhat/types/tasks";

import { changePaused, type PauseArguments } from "./change-paused.js";

const action: NewTaskActionFunction<PauseArguments> = async (args, hre) =>
  await changePaused(true, args, hre);

export default action;
