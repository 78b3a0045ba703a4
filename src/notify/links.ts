import type { Announcement } from "../core/announcement.js";

type Link = NonNullable<Announcement["links"]>[number];

/** Those that lead to a page; a `javascript:` or a `file:` isn't passed on. */
export function pageLinks({ links = [] }: Announcement): readonly Link[] {
  return links.flatMap(({ title, url }) =>
    URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)
      ? [{ title, url: new URL(url).href }]
      : [],
  );
}
