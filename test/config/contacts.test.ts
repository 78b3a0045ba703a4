import { expect } from "chai";

import { validateDrConfig } from "../../src/config/validate.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { openProject } from "../tasks/project.js";

describe("dr.contacts", () => {
  const folder = useTemporaryFolder();

  it("are in the order of escalation, however they are written", async () => {
    const { config } = await openProject(folder.path, {
      dr: {
        contacts: {
          cto: { email: "grace@example.org" },
          onCallEngineer: { name: "Ada", phone: "+1 555 0101" },
          securityLead: { slack: "@alan", pagerduty: "PABC123" },
        },
      },
    });
    expect(config.dr.contacts).to.deep.equal([
      { role: "onCallEngineer", name: "Ada", phone: "+1 555 0101" },
      { role: "securityLead", slack: "@alan", pagerduty: "PABC123" },
      { role: "cto", email: "grace@example.org" },
    ]);
  });

  it("may be left out", async () => {
    const { config } = await openProject(folder.path);
    expect(config.dr.contacts).to.deep.equal([]);
  });

  it("are refused where nobody could be reached", () => {
    for (const contact of [
      {},
      { name: "Ada" },
      { phone: "" },
      { phone: 5 },
      { phone: "+1 555", fax: "+1 556" },
      "Ada",
      null,
    ]) {
      const problems = validateDrConfig({ contacts: { cto: contact } });
      expect(problems, JSON.stringify(contact)).to.have.length(1);
      expect(problems[0]!.path).to.deep.equal(["dr", "contacts", "cto"]);
    }
    const [unknown] = validateDrConfig({ contacts: { ceo: { phone: "1" } } });
    expect(unknown!.path).to.deep.equal(["dr", "contacts", "ceo"]);
    expect(validateDrConfig({ contacts: [] })).to.have.length(1);
  });
});
