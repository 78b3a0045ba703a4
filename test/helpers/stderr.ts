/** What is written to stderr meanwhile, by this process. */
export async function stderrOf(work: () => Promise<unknown>): Promise<string> {
  const written: string[] = [];
  const { write } = process.stderr;
  process.stderr.write = (text) => written.push(String(text)) > 0;
  try {
    await work();
  } finally {
    process.stderr.write = write;
  }
  return written.join("");
}
