/** A backup made right before something is changed. */
export interface FreshBackup {
  /** The artifact's, as `dr:db:restore` takes it. */
  readonly name: string;
  /** What it holds is as of then. ISO 8601, UTC. */
  readonly at: string;
}
