// `node --import` this: what hardhat-dr imports is written to $IMPORTS, one specifier a line.
import { appendFileSync } from "node:fs";
import { registerHooks } from "node:module";

registerHooks({
  resolve(specifier, context, next) {
    if (context.parentURL?.includes("/node_modules/hardhat-dr/")) {
      appendFileSync(process.env.IMPORTS, `${specifier}\n`);
    }
    return next(specifier, context);
  },
});
