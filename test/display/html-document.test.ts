import { expect } from "chai";
import fc from "fast-check";

import { toHtmlPage } from "../../src/display/html-document.js";
import { markdown } from "../../src/display/markdown.js";

const bodyOf = (text: string): string =>
  /<main>\n([^]*)\n<\/main>/.exec(toHtmlPage(text, "Title"))![1]!;

describe("a document as a page", () => {
  it("shows what our documents are made of", () => {
    for (const [text, html] of [
      ["# A *b*", "<h1>A *b*</h1>"],
      ["### Deep ###", "<h3>Deep</h3>"],
      ["one\ntwo\n\nthree", "<p>one\ntwo</p>\n<p>three</p>"],
      ["**bold** and _soft_", "<p><strong>bold</strong> and <em>soft</em></p>"],
      ["a snake_case_name", "<p>a snake_case_name</p>"],
      ["`a <b> **c**`", "<p><code>a &lt;b&gt; **c**</code></p>"],
      ["\\*not\\* \\<b\\>", "<p>*not* &lt;b&gt;</p>"],
      ["a &lt;b&gt; &amp; c & d", "<p>a &lt;b&gt; &amp; c &amp; d</p>"],
      ["- one\n- two\n  more", "<ul>\n<li>one</li>\n<li>two\nmore</li>\n</ul>"],
      ["1. one\n2. two", "<ol>\n<li>one</li>\n<li>two</li>\n</ol>"],
      [
        "- [ ] to do\n- [x] done",
        '<ul class="ticks">\n<li>☐ to do</li>\n<li>☑ done</li>\n</ul>',
      ],
      ["> quoted", "<blockquote><p>quoted</p></blockquote>"],
      ["```\n<b>\n# no\n```", "<pre><code>&lt;b&gt;\n# no</code></pre>"],
      ["---", "<hr>"],
      ["<!-- a mark -->\ntext", "<p>text</p>"],
      ["What: ______", '<p>What: <span class="blank">&nbsp;</span></p>'],
      [
        "[`0xab`](https://e.example/tx/0xab)",
        '<p><a href="https://e.example/tx/0xab" rel="noreferrer"><code>0xab</code></a></p>',
      ],
      [
        "[run](../runs/a.ndjson)",
        '<p><a href="../runs/a.ndjson" rel="noreferrer">run</a></p>',
      ],
    ] as const) {
      expect(bodyOf(text), text).to.equal(html);
    }
  });

  it("shows a table, with bars and breaks in its cells", () => {
    const html = bodyOf(
      "| a | b |\n| --- | :-: |\n| x \\| y | 1<br>2 |\n| z | |",
    );
    expect(html).to.include("<th>a</th><th>b</th>");
    expect(html).to.include("<td>x | y</td><td>1<br>2</td>");
    expect(html).to.include("<td>z</td><td></td>");
  });

  it("shows HTML as it was typed, and follows no link that isn't one", () => {
    for (const text of [
      "<script>alert(1)</script>",
      '<img src="x" onerror="alert(1)">',
      "[x](javascript:alert)",
      "[x](data:text/html,y)",
      '[x](https://a"onclick="b)',
      "[x](vbscript:y)",
      "| a |\n| --- |\n| <b> |",
      "- <i>",
      "# <u>",
    ]) {
      const html = bodyOf(text);
      expect(html, text).to.not.match(/<(script|img|b|i|u)\b/);
      expect(html, text).to.not.match(/href="(javascript|data|vbscript)/);
      expect(html, text).to.not.match(/" ?on\w+="/);
    }
    expect(toHtmlPage("", "</title><script>")).to.not.include("<script>");
  });

  it("shows any text of ours as it was, whatever it is made of", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "grapheme-ascii", minLength: 1 }),
        (text) => {
          const html = bodyOf(`| a |\n| --- |\n| x${markdown(text)}x |`);
          const cell = /<td>([^]*)<\/td>/.exec(html)![1]!;
          expect(cell).to.not.match(/<(?!span class="blank">|\/span>)/);
          const shown = cell
            .replaceAll("&lt;", "<")
            .replaceAll("&gt;", ">")
            .replaceAll("&quot;", '"')
            .replaceAll("&#39;", "'")
            .replaceAll("&amp;", "&");
          expect(shown).to.equal(`x${text.trim()}x`);
        },
      ),
      { numRuns: 500 },
    );
  });

  it("never makes a tag out of any text", () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom(..."<>&\"'`*_[]()|\\-#! \na:/j".split("")),
        }),
        (text) => {
          const html = bodyOf(text);
          expect(
            html.replace(
              /<\/?(p|h[1-6]|ul|ol|li|table|thead|tbody|tr|th|td|pre|code|em|strong|hr|blockquote|span|a)( (class="(ticks|blank)"|href="[^"<>]*" rel="noreferrer"))?>/g,
              "",
            ),
          ).to.not.match(/[<>]/);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it("needs nothing from elsewhere", () => {
    const page = toHtmlPage("# A\n\n[x](https://e.example)", "A");
    expect(page).to.match(/^<!doctype html>/);
    expect(page).to.include("default-src 'none'");
    expect(page).to.not.match(/<(script|link|img|iframe)|@import|url\(/);
    expect(page).to.include("@media print");
  });
});
