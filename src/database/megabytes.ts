/** `1234`, for sentences about room. */
export function inMegabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}
