import { isDrError } from "../core/errors.js";
import { digestManifest, parseManifest, type Manifest } from "./manifest.js";

/** A manifest as it was found. */
export interface ManifestText {
  /** The artifact's, for people. */
  readonly name: string;
  /** All of its file, byte for byte. */
  readonly text: string;
}

/** What else is known of a chain than what is found in its place. */
export interface ChainKnowledge {
  /** Younger ones are never removed on purpose. Absent: none is. */
  readonly keptSince?: Date;
  /** Manifests that have been in this place, as another place has them. */
  readonly known?: readonly ManifestText[];
}

/** Where a chain of manifests isn't what it must be. Names are the artifacts'. */
export type ChainBreak =
  /** No manifest any more, or not one for this version. */
  | {
      readonly status: "unreadable";
      readonly name: string;
      readonly reason: string;
    }
  /** What came right before it isn't there as it was: deleted, or changed. */
  | {
      readonly status: "missing";
      readonly name: string;
      /** The newest that is there of what is older. */
      readonly after?: string;
    }
  /** Several follow the same one, or begin the chain: one may have taken another's place, or two machines back up. */
  | { readonly status: "forked"; readonly names: readonly string[] }
  /** It is known to be another one. */
  | { readonly status: "replaced"; readonly name: string }
  /** It is known to have been there, between others. */
  | { readonly status: "deleted"; readonly name: string }
  /** It is known to have been there, and is newer than all that are. */
  | {
      readonly status: "rolled-back";
      readonly name: string;
      /** Absent: nothing is there. */
      readonly newest?: string;
    };

/**
 * Where a chain of manifests was tampered with, or suffered: each names the
 * digest of the one before it. Signatures are not looked at.
 *
 * What is missing is a break only when it can't have been removed for its age;
 * whether the newest were taken away only `known` can tell.
 *
 * @param manifests - All of one kind in one place, in any order.
 */
export function findBreaks(
  manifests: readonly ManifestText[],
  knowledge: ChainKnowledge = {},
): readonly ChainBreak[] {
  const { links, breaks } = readLinks(manifests);
  const known = readLinks(knowledge.known ?? []).links;
  return [
    ...breaks,
    ...findMissing(links, known, knowledge.keptSince),
    ...findForks(links),
    ...compareWithKnown(
      links,
      withoutThese(known, breaks),
      knowledge.keptSince,
    ),
  ];
}

interface Link {
  readonly name: string;
  readonly digest: string;
  readonly previous: string | undefined;
  readonly createdAt: Date;
}

/** The oldest first. */
function readLinks(manifests: readonly ManifestText[]): {
  readonly links: readonly Link[];
  readonly breaks: readonly ChainBreak[];
} {
  const links: Link[] = [];
  const breaks: ChainBreak[] = [];
  for (const { name, text } of manifests) {
    try {
      links.push(toLink(name, text, parseManifest(text, name)));
    } catch (error) {
      if (!isDrError(error)) {
        throw error;
      }
      breaks.push({ status: "unreadable", name, reason: error.message });
    }
  }
  const byAge = (a: Link, b: Link) =>
    a.createdAt.getTime() - b.createdAt.getTime();
  return { links: links.toSorted(byAge), breaks };
}

function toLink(
  name: string,
  text: string,
  { previous, createdAt }: Manifest,
): Link {
  return {
    name,
    digest: digestManifest(text),
    previous,
    createdAt: new Date(createdAt),
  };
}

function findMissing(
  links: readonly Link[],
  known: readonly Link[],
  keptSince: Date | undefined,
): readonly ChainBreak[] {
  // What is known by name is told as that.
  const told = new Set([...links, ...known].map(({ digest }) => digest));
  return links.flatMap(({ name, previous }, at) => {
    const after = links[at - 1];
    const mayBeOld =
      keptSince !== undefined &&
      (after === undefined || after.createdAt < keptSince);
    if (previous === undefined || told.has(previous) || mayBeOld) {
      return [];
    }
    const behind = after === undefined ? {} : { after: after.name };
    return [{ status: "missing" as const, name, ...behind }];
  });
}

/** Those that can't be read are told already. */
function withoutThese(
  links: readonly Link[],
  breaks: readonly ChainBreak[],
): readonly Link[] {
  const told = new Set(
    breaks.flatMap((one) => ("name" in one ? one.name : [])),
  );
  return links.filter(({ name }) => !told.has(name));
}

function findForks(links: readonly Link[]): readonly ChainBreak[] {
  const followers = Map.groupBy(links, ({ previous }) => previous);
  return [...followers.values()]
    .filter((group) => group.length > 1)
    .map((group) => ({
      status: "forked",
      names: group.map(({ name }) => name),
    }));
}

function compareWithKnown(
  links: readonly Link[],
  known: readonly Link[],
  keptSince = new Date(0),
): readonly ChainBreak[] {
  const digests = new Set(links.map(({ digest }) => digest));
  const names = new Set(links.map(({ name }) => name));
  const newest = links.at(-1);
  const gone = known.filter(
    ({ digest, createdAt }) => createdAt >= keptSince && !digests.has(digest),
  );
  const [rolledBack, between] = partition(
    gone.filter(({ name }) => !names.has(name)),
    ({ createdAt }) => newest === undefined || createdAt > newest.createdAt,
  );
  const last = rolledBack.at(-1);
  return [
    ...gone
      .filter(({ name }) => names.has(name))
      .map(({ name }) => ({ status: "replaced", name }) as const),
    ...between.map(({ name }) => ({ status: "deleted", name }) as const),
    ...(last === undefined
      ? []
      : [
          {
            status: "rolled-back" as const,
            name: last.name,
            ...(newest === undefined ? {} : { newest: newest.name }),
          },
        ]),
  ];
}

function partition<T>(
  all: readonly T[],
  isFirst: (one: T) => boolean,
): readonly [readonly T[], readonly T[]] {
  return [all.filter(isFirst), all.filter((one) => !isFirst(one))];
}
