/** For a test of what only root can do: skipped, visibly, when we aren't. */
export function requireRoot(context: Mocha.Context): void {
  if (process.geteuid?.() !== 0) {
    process.stderr.write("      skipped: this user isn't root\n");
    context.skip();
  }
}
