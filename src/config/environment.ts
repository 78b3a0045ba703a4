/** What the old scripts were told by environment variables: `S3_BUCKET`, … */
export type Environment = Readonly<Record<string, string | undefined>>;
