/** What the shell is told. The README's table of exit codes is this. */
export const EXIT_CODES = {
  done: 0,
  error: 1,
  /** Refused before anything changed. */
  refused: 3,
  /** Signatures or a delay are outstanding; resume later. */
  waiting: 4,
  /** Stopped part-way; resume. */
  partial: 5,
} as const;

export type ExitCode = (typeof EXIT_CODES)[keyof typeof EXIT_CODES];
