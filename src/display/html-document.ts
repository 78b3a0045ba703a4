import { escapeMarkup } from "./escape-markup.js";
import { frameHtmlPage } from "./html-page.js";

/**
 * A document in Markdown as a page of HTML that stands on its own: no script, no
 * font, no picture from elsewhere. It knows what our documents and people's notes
 * in them are made of: headings, paragraphs, lists with ticks, tables, code,
 * emphasis, links. Everything else, HTML above all, is shown as it was typed.
 */
export function toHtmlPage(markdown: string, title: string): string {
  const main = toBlocks(markdown.split(/\r?\n/)).join("\n");
  return frameHtmlPage({ title, style: STYLE, main });
}

const STYLE = `
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; }
main { max-width: 70rem; margin: 0 auto; padding: 2rem 1rem; }
h1, h2, h3 { line-height: 1.2; margin: 2rem 0 0.5rem; }
h2 { border-bottom: 1px solid #8886; padding-bottom: 0.25rem; }
table { border-collapse: collapse; margin: 1rem 0; width: 100%; }
th, td { border: 1px solid #8886; padding: 0.3rem 0.6rem; text-align: left; vertical-align: top; overflow-wrap: anywhere; }
th, td:first-child { white-space: nowrap; }
thead:not(:has(th:not(:empty))) { display: none; }
code, pre { font-family: ui-monospace, monospace; font-size: 0.9em; }
pre { overflow-x: auto; padding: 0.5rem; border: 1px solid #8886; }
ul.ticks { list-style: none; padding-left: 0.5rem; }
.blank { background: #fd06; padding: 0 2rem 0 0.25rem; border-bottom: 1px solid currentColor; }
@page { margin: 15mm; }
@media print {
  body { font-size: 10pt; }
  main { max-width: none; padding: 0; }
  th, td:first-child { white-space: normal; }
  h1, h2, h3 { break-after: avoid; }
  tr, li, pre { break-inside: avoid; }
  a[href^="http"]::after { content: " (" attr(href) ")"; font-size: 0.8em; overflow-wrap: anywhere; }
}
`;

const HEADING = /^(#{1,6}) +(.*?) *#*$/;
const FENCE = /^(`{3,}|~{3,})/;
const ITEM = /^\s*(?:[-*+]|(\d{1,9})[.)]) +(.*)$/;
const TICK = /^\[([ xX])\] +(.*)$/;
const RULE = /^ *([-*_])( *\1){2,} *$/;
const COMMENT = /^\s*<!--.*-->\s*$/;

/** Each taken block leaves the lines behind it. */
function toBlocks(lines: readonly string[]): readonly string[] {
  const blocks: string[] = [];
  for (let rest = lines; rest.length > 0;) {
    const { html, taken } = takeBlock(rest);
    if (html !== "") {
      blocks.push(html);
    }
    rest = rest.slice(Math.max(taken, 1));
  }
  return blocks;
}

interface Block {
  readonly html: string;
  /** Lines. */
  readonly taken: number;
}

function takeBlock(lines: readonly string[]): Block {
  const [first = ""] = lines;
  if (first.trim() === "" || COMMENT.test(first)) {
    return { html: "", taken: 1 };
  }
  const [, marks, heading] = HEADING.exec(first) ?? [];
  if (marks !== undefined) {
    const level = String(marks.length);
    return {
      html: `<h${level}>${inline(heading ?? "")}</h${level}>`,
      taken: 1,
    };
  }
  if (FENCE.test(first)) {
    return takeFence(lines);
  }
  if (isTable(lines)) {
    return takeTable(lines);
  }
  if (RULE.test(first)) {
    return { html: "<hr>", taken: 1 };
  }
  if (ITEM.test(first)) {
    return takeList(lines);
  }
  if (first.startsWith(">")) {
    const quoted = takeWhile(lines, (line) => line.startsWith(">"));
    const inside = toBlocks(quoted.map((line) => line.replace(/^> ?/, "")));
    return {
      html: `<blockquote>${inside.join("\n")}</blockquote>`,
      taken: quoted.length,
    };
  }
  const paragraph = takeWhile(
    lines,
    (line, index) => index === 0 || !beginsBlock(line),
  );
  return {
    html: `<p>${inline(paragraph.join("\n"))}</p>`,
    taken: paragraph.length,
  };
}

function beginsBlock(line: string): boolean {
  return (
    line.trim() === "" ||
    line.startsWith(">") ||
    [HEADING, FENCE, ITEM, RULE, COMMENT].some((pattern) => pattern.test(line))
  );
}

function takeWhile(
  lines: readonly string[],
  belongs: (line: string, index: number) => boolean,
): readonly string[] {
  const end = lines.findIndex((line, index) => !belongs(line, index));
  return end < 0 ? lines : lines.slice(0, end);
}

function takeFence(lines: readonly string[]): Block {
  const fence = FENCE.exec(lines[0] ?? "")?.[1] ?? "";
  const inside = takeWhile(lines.slice(1), (line) => !line.startsWith(fence));
  return {
    html: `<pre><code>${escapeMarkup(inside.join("\n"))}</code></pre>`,
    taken: inside.length + 2,
  };
}

function isTable([head = "", rule = ""]: readonly string[]): boolean {
  return (
    head.includes("|") &&
    /^\s*\|?( *:?-+:? *\|)* *:?-+:? *\|?\s*$/.test(rule) &&
    rule.includes("|")
  );
}

function takeTable(lines: readonly string[]): Block {
  const rows = takeWhile(lines, (line) => line.includes("|"));
  const [head = "", , ...body] = rows;
  const row = (tag: string, line: string): string =>
    `<tr>${cellsOf(line)
      .map((cell) => `<${tag}>${inline(cell)}</${tag}>`)
      .join("")}</tr>`;
  return {
    html: [
      "<table>",
      `<thead>${row("th", head)}</thead>`,
      "<tbody>",
      ...body.map((line) => row("td", line)),
      "</tbody>",
      "</table>",
    ].join("\n"),
    taken: rows.length,
  };
}

/** A bar with a backslash before it is a bar. */
function cellsOf(line: string): readonly string[] {
  const cells = line.trim().match(/(?:\\.|[^\\|])+|\|(?=\|)/g) ?? [];
  return cells.map((cell) => (cell === "|" ? "" : cell.trim()));
}

function takeList(lines: readonly string[]): Block {
  const [, number] = ITEM.exec(lines[0] ?? "") ?? [];
  const items: { text: string; isTicked: boolean | undefined }[] = [];
  const own = takeWhile(
    lines,
    (line) =>
      ITEM.test(line) ||
      (line.trim() !== "" && /^\s/.test(line)) ||
      (!beginsBlock(line) && line.trim() !== ""),
  );
  for (const line of own) {
    const text = ITEM.exec(line)?.[2];
    const last = items.at(-1);
    if (text !== undefined) {
      const [, tick, rest] = TICK.exec(text) ?? [];
      items.push({
        text: rest ?? text,
        isTicked: tick === undefined ? undefined : tick !== " ",
      });
    } else if (last !== undefined) {
      last.text += `\n${line.trim()}`;
    }
  }
  const tag = number === undefined ? "ul" : "ol";
  const ticks = items.some(({ isTicked }) => isTicked !== undefined)
    ? ' class="ticks"'
    : "";
  return {
    html: [
      `<${tag}${ticks}>`,
      ...items.map(({ text, isTicked }) => {
        const box = isTicked === undefined ? "" : isTicked ? "☑ " : "☐ ";
        return `<li>${box}${inline(text)}</li>`;
      }),
      `</${tag}>`,
    ].join("\n"),
    taken: own.length,
  };
}

/** In this order: what comes first keeps what comes later out of itself. */
const INLINE =
  /\\([!-/:-@[-`{-~])|`([^`\n]+)`|\[((?:\\.|`[^`]*`|[^\]\\])*)\]\(([^\s()]+)\)|(<br>)|&(amp|lt|gt);|(_{4,})|\*\*(?=\S)((?:\\.|[^*\\])+?)\*\*|(?<![\w\\])_(?=[^\s_])((?:\\.|[^_\\])+?)_(?!\w)|([&<>"'])/g;

/** Only these are followed; anything else, `javascript:` above all, stays text. */
const LINK = /^(https?:\/\/|mailto:|#|(?![a-z][a-z0-9+.-]*:)[^/\\])/i;

function inline(text: string): string {
  return text.replace(
    INLINE,
    (
      whole: string,
      escaped: string | undefined,
      code: string | undefined,
      label: string | undefined,
      url: string | undefined,
      lineBreak: string | undefined,
      entity: string | undefined,
      blank: string | undefined,
      strong: string | undefined,
      emphasis: string | undefined,
    ) => {
      if (escaped !== undefined) {
        return escapeMarkup(escaped);
      }
      if (code !== undefined) {
        return `<code>${escapeMarkup(code)}</code>`;
      }
      if (label !== undefined && url !== undefined) {
        return LINK.test(url)
          ? `<a href="${escapeMarkup(url)}" rel="noreferrer">${inline(label)}</a>`
          : escapeMarkup(whole);
      }
      if (lineBreak !== undefined || entity !== undefined) {
        return whole;
      }
      if (blank !== undefined) {
        return '<span class="blank">&nbsp;</span>';
      }
      if (strong !== undefined) {
        return `<strong>${inline(strong)}</strong>`;
      }
      return emphasis === undefined
        ? escapeMarkup(whole)
        : `<em>${inline(emphasis)}</em>`;
    },
  );
}
