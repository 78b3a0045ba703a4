import { expect } from "chai";
import { readFileSync } from "node:fs";
import { glob } from "node:fs/promises";
import { join } from "node:path";

import { CATALOGUE } from "../../src/core/error-catalogue.js";
import { EXIT_CODES } from "../../src/core/exit-codes.js";

const TESTS = join(import.meta.dirname, "..");

describe("the error catalogue", () => {
  it("gives every error a message, a way out and an exit code", () => {
    for (const [code, { message, fix, exitCode }] of Object.entries(
      CATALOGUE,
    )) {
      expect(message.trim(), code).to.match(/[^\s]/);
      expect(fix.trim(), code).to.match(/[^\s]/);
      expect(Object.values(EXIT_CODES), code).to.include(exitCode);
      expect(exitCode, code).to.not.equal(EXIT_CODES.done);
    }
  });

  it("has no error that no test knows", async () => {
    const texts: string[] = [];
    const files = glob("**/*.ts", {
      cwd: TESTS,
      exclude: (name) => name.endsWith("node_modules"),
    });
    for await (const file of files) {
      texts.push(readFileSync(join(TESTS, file), "utf8"));
    }
    const known = new Set(texts.join("\n").match(/\b[A-Z][A-Z0-9_]+\b/g));
    const unknown = Object.keys(CATALOGUE).filter((code) => !known.has(code));
    expect(unknown).to.deep.equal([]);
  });
});
