import { expect } from "chai";
import { readFile } from "node:fs/promises";
import path from "node:path";

interface LockedPackage {
  readonly resolved?: string;
  readonly hasInstallScript?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

async function readJson(file: string): Promise<unknown> {
  return JSON.parse(await readFile(file, "utf8"));
}

/** Where Node would look for a package from inside another, nearest first. */
function candidates(from: string, name: string): string[] {
  const places: string[] = [];
  for (let at = from; at !== "."; at = path.posix.dirname(at)) {
    places.push(`${at}/node_modules/${name}`);
  }
  return [...places, `node_modules/${name}`];
}

describe("package-lock.json", () => {
  let packages: [string, LockedPackage][];

  before(async () => {
    const lock = (await readJson("package-lock.json")) as {
      packages: Record<string, LockedPackage>;
    };
    packages = Object.entries(lock.packages);
  });

  it("has the packages of every platform", () => {
    const present = new Set(packages.map(([place]) => place));
    const missing = packages.flatMap(([place, { optionalDependencies }]) =>
      Object.keys(optionalDependencies ?? {}).filter(
        (name) => !candidates(place, name).some((at) => present.has(at)),
      ),
    );
    expect(missing).to.deep.equal([]);
  });

  it("names no registry", () => {
    expect(packages.filter(([, { resolved }]) => resolved)).to.deep.equal([]);
  });

  it("has a word on every script that wants to run at installation", async () => {
    const { allowScripts } = (await readJson("package.json")) as {
      allowScripts: Record<string, boolean>;
    };
    const wanting = packages
      .filter(([, { hasInstallScript }]) => hasInstallScript)
      .map(([place]) => place.replace(/^.*node_modules\//, ""));
    expect(allowScripts).to.have.all.keys(wanting);
  });
});
