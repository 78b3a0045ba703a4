import { expect } from "chai";
import fc from "fast-check";

import {
  findBreaks,
  type ManifestText,
} from "../../src/artifact/find-breaks.js";
import {
  digestManifest,
  encodeManifest,
  type Manifest,
} from "../../src/artifact/manifest.js";

const NOW = new Date("2024-06-01T00:00:00Z");
const EXTENT = { sizeBytes: 1, sha256: "0".repeat(64) };

function daysAgo(days: number): Date {
  return new Date(NOW.getTime() - days * 86_400_000);
}

function manifest(
  name: string,
  age: number,
  previous?: ManifestText,
  changes: Partial<Manifest> = {},
): ManifestText {
  const text = encodeManifest({
    artifact: name,
    kind: "database",
    createdAt: daysAgo(age).toISOString(),
    tool: "test",
    plain: EXTENT,
    stored: EXTENT,
    compression: "gzip",
    contents: {},
    recoveryPoint: {},
    ...(previous === undefined
      ? {}
      : { previous: digestManifest(previous.text) }),
    ...changes,
  });
  return { name, text };
}

/** One a day, the last of today. */
function chainOf(length: number): readonly ManifestText[] {
  const chain: ManifestText[] = [];
  for (let at = 0; at < length; at += 1) {
    chain.push(manifest(`m${String(at)}`, length - at - 1, chain.at(-1)));
  }
  return chain;
}

describe("a chain of manifests", () => {
  const chain = chainOf(5);
  const [m0, m1, m2, m3, m4] = chain as [
    ManifestText,
    ManifestText,
    ManifestText,
    ManifestText,
    ManifestText,
  ];

  it("is whole as it was written, in any order", () => {
    expect(findBreaks([])).to.deep.equal([]);
    expect(findBreaks(chain, { known: chain })).to.deep.equal([]);
    expect(findBreaks(chain.toReversed())).to.deep.equal([]);
  });

  it("shows what was deleted out of it", () => {
    expect(findBreaks([m0, m1, m3, m4])).to.deep.equal([
      { status: "missing", name: "m3", after: "m1" },
    ]);
    expect(findBreaks([m1, m2, m3, m4])).to.deep.equal([
      { status: "missing", name: "m1" },
    ]);
    expect(findBreaks([m0, m1, m3, m4], { known: [m1, m2] })).to.deep.equal([
      { status: "deleted", name: "m2" },
    ]);
  });

  it("shows what was replaced", () => {
    const other = manifest("m2", 2, m1, { contents: { rows: 0 } });
    expect(findBreaks([m0, m1, other, m3, m4])).to.deep.equal([
      { status: "missing", name: "m3", after: "m2" },
    ]);
    expect(findBreaks([m0, m1, m2, m3, other])).to.deep.equal([
      { status: "forked", names: ["m2", "m2"] },
    ]);
    expect(findBreaks([m0, m1, other, m3, m4], { known: chain })).to.deep.equal(
      [{ status: "replaced", name: "m2" }],
    );
  });

  it("shows that the newest were taken away, to whom knows of them", () => {
    expect(findBreaks([m0, m1, m2])).to.deep.equal([]);
    expect(findBreaks([m0, m1, m2], { known: chain })).to.deep.equal([
      { status: "rolled-back", name: "m4", newest: "m2" },
    ]);
    expect(findBreaks([], { known: [m0, m1] })).to.deep.equal([
      { status: "rolled-back", name: "m1" },
    ]);
  });

  it("shows two that follow the same, or begin it", () => {
    const twin = manifest("twin", 1.5, m1);
    const beginning = manifest("beginning", 0.5);
    expect(findBreaks([...chain, twin])).to.deep.equal([
      { status: "forked", names: ["m2", "twin"] },
    ]);
    expect(findBreaks([...chain, beginning])).to.deep.equal([
      { status: "forked", names: ["m0", "beginning"] },
    ]);
  });

  it("shows what can't be read", () => {
    const damaged = { name: "m2", text: m2.text.slice(1) };
    const breaks = findBreaks([m0, m1, damaged, m3, m4], { known: chain });
    expect(breaks.map(({ status }) => status)).to.deep.equal(["unreadable"]);
    expect(findBreaks([m0, damaged])[0]).to.include({ name: "m2" });
  });

  it("misses nothing that may have gone for its age", () => {
    const keptSince = daysAgo(2.5);
    // m0 is kept for another reason; m1 had its time.
    expect(findBreaks([m0, m2, m3, m4], { keptSince })).to.deep.equal([]);
    expect(findBreaks([m2, m3, m4], { keptSince })).to.deep.equal([]);
    expect(findBreaks([m2, m3, m4], { keptSince, known: chain })).to.deep.equal(
      [],
    );
    expect(findBreaks([m0, m2, m4], { keptSince })).to.deep.equal([
      { status: "missing", name: "m4", after: "m2" },
    ]);
    expect(findBreaks([m0, m1, m4], { keptSince, known: chain })).to.deep.equal(
      [
        { status: "deleted", name: "m2" },
        { status: "deleted", name: "m3" },
      ],
    );
  });

  it("never hides from whom knows all of it that one is gone or changed", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 4 }),
        fc.constantFrom("delete", "change"),
        (at, deed) => {
          const { name, text } = chain[at]!;
          const changed = { name, text: text.replace("test", "evil") };
          const left = chain.toSpliced(
            at,
            1,
            ...(deed === "delete" ? [] : [changed]),
          );
          const breaks = findBreaks(left, { known: chain });
          expect(breaks).to.have.length(1);
          expect(breaks[0]).to.include({ name });
        },
      ),
    );
  });
});
