import { expect } from "chai";

import { resolveDrConfig } from "../../src/config/resolve.js";
import type { DrConfig, DrUserConfig } from "../../src/config/types.js";

/** What a project's configuration says whose database has this URL. @param root - The project's folder. */
export function configOf(
  url: string,
  root: string,
  section: DrUserConfig = {},
): DrConfig {
  return resolveDrConfig(
    { project: "takumi", database: { url }, ...section },
    root,
    () => ({
      _type: "ResolvedConfigurationVariable",
      format: "",
      get: async () => await Promise.resolve(url),
      getUrl: () => expect.fail("not asked for"),
      getBigInt: () => expect.fail("not asked for"),
      getHexString: () => expect.fail("not asked for"),
    }),
    {},
  );
}
