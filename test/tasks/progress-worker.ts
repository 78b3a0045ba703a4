/** A job that tells of each of its bytes. */
import { withBar } from "../../tasks/actions/progress.js";

const sizeBytes = Number(process.argv[2]);

await withBar(
  {
    title: "Job",
    work: async ({ begin, reach }) => {
      begin("counting", sizeBytes);
      for (let doneBytes = 1; doneBytes <= sizeBytes; doneBytes += 1) {
        reach(doneBytes);
      }
      await Promise.resolve();
    },
    tell: () => "counted",
  },
  { progress: () => undefined },
);
