import { escapeMarkup } from "./escape-markup.js";

export interface HtmlPage {
  readonly title: string;
  readonly style: string;
  /** HTML. */
  readonly main: string;
}

/** A page that stands on its own: it opens from the disk, loads nothing and runs nothing. */
export function frameHtmlPage({ title, style, main }: HtmlPage): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeTitle(title)}</title>
<style>${style}</style>
</head>
<body>
<main>
${main}
</main>
</body>
</html>
`;
}

const escapeTitle = escapeWithin(300);

/** Like {@link escapeMarkup}, of at most so many characters: a page shall stay small, whatever is in it. */
export function escapeWithin(longest: number): (text: string) => string {
  return (text) =>
    escapeMarkup(text.length > longest ? `${text.slice(0, longest)}…` : text);
}
