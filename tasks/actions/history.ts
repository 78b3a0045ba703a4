import { resolve } from "node:path";

import type { NewTaskActionFunction } from "hardhat/types/tasks";

import { writeAtomically } from "../../src/core/atomic-write.js";
import { EXIT_CODES } from "../../src/core/exit-codes.js";
import { writing } from "../../src/core/writing.js";
import {
  formatHistory,
  formatHistoryMarkdown,
  historyToJson,
} from "../../src/display/history.js";
import { readHistory } from "../../src/history/exercises.js";
import { writeHistory } from "../../src/history/write-history.js";
import { runTask } from "./output.js";

interface HistoryArguments {
  readonly markdown: boolean;
  readonly html: string | undefined;
  readonly json: boolean;
}

const action: NewTaskActionFunction<HistoryArguments> = async (args, hre) =>
  await runTask(args, async (output) => {
    const { dr, paths } = hre.config;
    const history = await readHistory(dr);
    output.text(formatHistory(history, output.paint));
    const written: Record<string, string> = {};
    if (args.markdown) {
      const file = dr.paths.exercises;
      const status = await writeHistory(file, formatHistoryMarkdown(history));
      output.text(`${file}: ${status}\n`);
      written.markdown = file;
    }
    if (args.html !== undefined) {
      const { formatHistoryHtml } =
        await import("../../src/display/history-html.js");
      const file = resolve(paths.root, args.html);
      await writing(file, async () => {
        await writeAtomically(file, formatHistoryHtml(history));
      });
      output.text(`${file}: written\n`);
      written.html = file;
    }
    return {
      json: { ...(historyToJson(history) as object), files: written },
      exitCode: EXIT_CODES.done,
    };
  });

export default action;
