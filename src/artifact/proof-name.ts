const NAME = /^(?<artifact>.+)\.proven\.(?<at>\d{8}T\d{6}Z)\.json$/;

/** What says of an artifact that it was restored on trial and was good; when, is in its name, so that a listing tells it. */
export function formatProofName(artifact: string, at: Date): string {
  const compact = at.toISOString().replace(/[-:]|\.\d+/g, "");
  return `${artifact}.proven.${compact}.json`;
}

/** @returns undefined when it is no proof. */
export function parseProofName(
  name: string,
): { readonly artifact: string; readonly at: Date } | undefined {
  const { artifact, at } = NAME.exec(name)?.groups ?? {};
  if (artifact === undefined || at === undefined) {
    return undefined;
  }
  const iso = at.replace(/(....)(..)(..)T(..)(..)(..)Z/, "$1-$2-$3T$4:$5:$6Z");
  return { artifact, at: new Date(iso) };
}
