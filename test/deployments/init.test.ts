import { expect } from "chai";

import type {
  ContractRecord,
  DeployFile,
} from "../../src/deployments/deploy-file.js";
import type { Found } from "../../src/deployments/discover.js";
import { planInit, type InitPlan } from "../../src/deployments/init.js";
import { parseDeployFile } from "../../src/deployments/schema.js";
import { codeOf } from "./refusal.js";
import {
  ADMIN,
  FIRST,
  hashOf,
  PROXY,
  sampleFile,
  sampleRecord,
  SECOND,
  THIRD,
} from "./sample-file.js";

/** What the chain says, as `sampleRecord` does but without what only people know. */
function onChain(record: ContractRecord = sampleRecord()): ContractRecord {
  const implementations = Object.entries(record.implementations).map(
    ([address, { version, codeHash }]) => [
      address,
      { ...(version === undefined ? {} : { version }), codeHash },
    ],
  );
  return {
    ...record,
    implementations: Object.fromEntries(
      implementations,
    ) as ContractRecord["implementations"],
  };
}

function found(
  name: string,
  record: ContractRecord,
  more: Partial<Found> & { readonly source?: string } = {},
): Found {
  const { source, ...rest } = more;
  return {
    sought: {
      name,
      address: record.proxy,
      ...(source === undefined ? {} : { source }),
    },
    name,
    record,
    gaps: [],
    ...rest,
  };
}

function plan(
  existing: DeployFile | undefined,
  ...all: readonly Found[]
): InitPlan {
  const planned = planInit({
    chainId: 31337,
    found: all,
    ...(existing === undefined ? {} : { existing }),
  });
  // Whatever is planned could be read again.
  parseDeployFile(JSON.parse(JSON.stringify(planned.file)), "deploy.json");
  return planned;
}

/** The sample with things only a person writes. */
function handwritten(): DeployFile {
  const record = sampleRecord();
  return {
    ...sampleFile(),
    governance: { safe: ADMIN },
    contracts: {
      SkillProfile: {
        ...record,
        implementations: {
          [SECOND]: {
            codeHash: hashOf("2"),
            bad: "incident 2026-11-20",
            version: "2.0.0",
          },
          [FIRST]: record.implementations[FIRST]!,
        },
        ...{ team: "identity" },
      },
    },
  };
}

describe("planInit", () => {
  it("makes a new file", () => {
    const { file, status, differences } = plan(
      undefined,
      found("SkillProfile", onChain()),
    );
    expect(status).to.equal("new");
    expect(differences).to.deep.equal([]);
    expect(file).to.deep.equal({
      schemaVersion: 1,
      chainId: 31337,
      contracts: { SkillProfile: onChain() },
    });
  });

  it("changes nothing when the chain says what is written", () => {
    const existing = handwritten();
    const { file, status } = plan(existing, found("SkillProfile", onChain()));
    expect(status).to.equal("unchanged");
    expect(JSON.stringify(file)).to.equal(JSON.stringify(existing));
  });

  it("takes times that are written in another way for the same", () => {
    const existing = JSON.parse(
      JSON.stringify(handwritten()).replaceAll("00:00Z", "00:00.000Z"),
    ) as DeployFile;
    expect(
      plan(existing, found("SkillProfile", onChain())).status,
    ).to.equal("unchanged");
  });

  it("adds an upgrade and shows only that", () => {
    const record = onChain();
    const entry = {
      implementation: THIRD,
      reason: "upgrade",
      block: 100,
    } as const;
    const { differences, file } = plan(
      handwritten(),
      found("SkillProfile", {
        ...record,
        implementations: {
          ...record.implementations,
          [THIRD]: { codeHash: hashOf("3") },
        },
        history: [...record.history, entry],
      }),
    );
    const path = "contracts.SkillProfile";
    expect(differences).to.deep.equal([
      {
        path: `${path}.implementations.${THIRD}`,
        before: undefined,
        after: { codeHash: hashOf("3") },
      },
      { path: `${path}.history[2]`, before: undefined, after: entry },
    ]);
    const kept = file.contracts.SkillProfile!;
    expect(kept.implementations[SECOND]?.bad).to.equal("incident 2026-11-20");
    expect(kept).to.have.property("team", "identity");
  });

  it("shows every fact in which the chain differs from what is written", () => {
    const record = onChain();
    const { differences } = plan(
      handwritten(),
      found("SkillProfile", {
        ...record,
        kind: "uups",
        implementations: {
          ...record.implementations,
          [FIRST]: { version: "1.0.1", codeHash: hashOf("9") },
        },
      }),
    );
    const path = "contracts.SkillProfile";
    expect(differences).to.have.deep.members([
      { path: `${path}.kind`, before: "transparent", after: "uups" },
      {
        path: `${path}.implementations.${FIRST}.version`,
        before: "1.0.0",
        after: "1.0.1",
      },
      {
        path: `${path}.implementations.${FIRST}.codeHash`,
        before: hashOf("1"),
        after: hashOf("9"),
      },
    ]);
  });

  it("keeps the reason a person gave, and takes the chain's for what was only found", () => {
    const written = sampleRecord();
    const [first, second] = written.history;
    const existing: DeployFile = {
      ...sampleFile(),
      contracts: {
        SkillProfile: {
          ...written,
          history: [
            { ...first!, reason: "found" },
            { ...second!, reason: "rollback" },
          ],
        },
      },
    };
    const { file } = plan(existing, found("SkillProfile", onChain()));
    expect(
      file.contracts.SkillProfile?.history.map(({ reason }) => reason),
    ).to.deep.equal(["deploy", "rollback"]);
  });

  it("keeps a person's contract name and bad mark against other ones", () => {
    const record = onChain();
    const { status } = plan(
      handwritten(),
      found("SkillProfile", {
        ...record,
        implementations: {
          [FIRST]: { ...record.implementations[FIRST]!, contract: "Other" },
          [SECOND]: { ...record.implementations[SECOND]!, bad: "no code" },
        },
      }),
    );
    expect(status).to.equal("unchanged");
  });

  it("fills in what a person's entry leaves out", () => {
    const written = sampleRecord();
    const existing: DeployFile = {
      ...sampleFile(),
      contracts: {
        SkillProfile: {
          ...written,
          history: written.history.map(({ implementation, reason }) => ({
            implementation,
            reason,
          })),
        },
      },
    };
    const { file } = plan(existing, found("SkillProfile", onChain()));
    expect(file.contracts.SkillProfile?.history).to.deep.equal(written.history);
  });

  it("keeps earlier entries when the node doesn't know the start, and else shows that they go", () => {
    const record = onChain();
    const late = { ...record, history: record.history.slice(1) };
    const unknown = plan(
      handwritten(),
      found("SkillProfile", late, { gaps: [{ kind: "start-unknown" }] }),
    );
    expect(unknown.status).to.equal("unchanged");
    const { differences } = plan(handwritten(), found("SkillProfile", late));
    expect(differences).to.deep.equal([
      {
        path: "contracts.SkillProfile.history[0]",
        before: record.history[0],
        after: undefined,
      },
    ]);
  });

  it("leaves alone what nobody asked about", () => {
    const other = { ...onChain(), proxy: THIRD };
    const { file, differences } = plan(handwritten(), found("Other", other));
    expect(file.contracts.SkillProfile).to.deep.equal(
      handwritten().contracts.SkillProfile,
    );
    expect(file.governance).to.deep.equal({ safe: ADMIN });
    expect(differences.map(({ path }) => path)).to.deep.equal([
      "contracts.Other",
    ]);
  });

  it("shows that a name gets another proxy, without mixing their histories", () => {
    const other = { ...onChain(), proxy: THIRD };
    const { file, differences } = plan(
      handwritten(),
      found("SkillProfile", { ...other, history: [other.history[0]!] }),
    );
    expect(differences).to.deep.include({
      path: "contracts.SkillProfile.proxy",
      before: PROXY,
      after: THIRD,
    });
    expect(file.contracts.SkillProfile?.history).to.have.length(1);
    expect(file.contracts.SkillProfile).to.have.property("team", "identity");
  });

  it("drops an admin that the chain no longer has", () => {
    const { proxy, implementations, history } = onChain();
    const { differences } = plan(
      handwritten(),
      found("SkillProfile", { proxy, kind: "uups", implementations, history }),
    );
    expect(differences).to.deep.include({
      path: "contracts.SkillProfile.admin",
      before: ADMIN,
      after: undefined,
    });
  });

  it("keeps the file's name for a proxy that a record calls otherwise", () => {
    const { status } = plan(
      handwritten(),
      found("Profile", onChain(), { source: "run-latest.json" }),
    );
    expect(status).to.equal("unchanged");
  });

  it("refuses a person's second name for a proxy", async () => {
    expect(
      await codeOf(() => plan(handwritten(), found("Profile", onChain()))),
    ).to.equal("INIT_ARGUMENT_INVALID");
  });

  it("leaves out recorded contracts that are only another's implementations", () => {
    const plain: ContractRecord = {
      proxy: SECOND,
      kind: "plain",
      implementations: { [SECOND]: { codeHash: hashOf("2") } },
      history: [{ implementation: SECOND, reason: "deploy" }],
    };
    const recorded = found("SkillProfileV2", plain, { source: "run.json" });
    const { file, implementationsOnly } = plan(
      undefined,
      found("SkillProfile", onChain(), { source: "run.json" }),
      recorded,
    );
    expect(Object.keys(file.contracts)).to.deep.equal(["SkillProfile"]);
    expect(implementationsOnly).to.deep.equal([recorded]);
  });

  it("numbers nameless proxies that turn out to have one contract", () => {
    const nameless = (record: ContractRecord): Found => ({
      ...found("Proxy1", record, { source: "sepolia.json" }),
      sought: {
        name: "Proxy1",
        isNameless: true,
        address: record.proxy,
        source: "sepolia.json",
      },
      name: "SkillProfile",
    });
    const { file } = plan(
      undefined,
      nameless(onChain()),
      nameless({ ...onChain(), proxy: THIRD }),
    );
    expect(Object.keys(file.contracts)).to.deep.equal([
      "SkillProfile",
      "SkillProfile2",
    ]);
  });
});
