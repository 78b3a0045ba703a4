import type { OffsiteTarget } from "../config/types.js";
import type { Storage } from "./storage.js";

/**
 * The storage of a target. A cloud's SDK is loaded here, when it is needed.
 *
 * @throws {DrError} OFFSITE_PACKAGE_MISSING, and OFFSITE_DENIED when there are
 * no credentials.
 */
export async function openStorage(target: OffsiteTarget): Promise<Storage> {
  switch (target.kind) {
    case "fs": {
      const { FsStorage } = await import("./drivers/fs.js");
      return new FsStorage(target);
    }
    case "s3": {
      const { openS3 } = await import("./drivers/s3.js");
      return await openS3(target);
    }
    case "gcs": {
      const { openGcs } = await import("./drivers/gcs.js");
      return await openGcs(target);
    }
    case "azure": {
      const { openAzure } = await import("./drivers/azure.js");
      return await openAzure(target);
    }
  }
}
