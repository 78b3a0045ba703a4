/** Where the system keeps what is temporary, in each test of the suite. */
export function useTmpdir(folder: { readonly path: string }): void {
  const { TMPDIR } = process.env;

  beforeEach(() => {
    process.env.TMPDIR = folder.path;
  });

  afterEach(() => {
    if (TMPDIR === undefined) {
      delete process.env.TMPDIR;
    } else {
      process.env.TMPDIR = TMPDIR;
    }
  });
}
