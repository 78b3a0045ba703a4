import { expect } from "chai";

import { escapeWithin, frameHtmlPage } from "../../src/display/html-page.js";

describe("a page of HTML", () => {
  it("has a title that is text, however long", () => {
    const title = `</title><script>${"x".repeat(1000)}`;
    const page = frameHtmlPage({ title, style: "", main: "" });
    expect(page).to.not.include("<script>");
    expect(page.length).to.be.below(1000);
  });

  it("loads nothing and runs nothing", () => {
    const page = frameHtmlPage({ title: "A", style: "b{}", main: "<p>c</p>" });
    expect(page).to.include("default-src 'none'; style-src 'unsafe-inline'");
    expect(page).to.include("<style>b{}</style>");
    expect(page).to.include("<main>\n<p>c</p>\n</main>");
  });

  it("holds texts up to a length, which is theirs and not their escaped form's", () => {
    const escape = escapeWithin(3);
    expect(escape("<<<")).to.equal("&lt;&lt;&lt;");
    expect(escape("<<<<")).to.equal("&lt;&lt;&lt;…");
  });
});
