/** solc's `settings.outputSelection`: source → contract → outputs. */
export type OutputSelection = Readonly<
  Record<string, Readonly<Record<string, readonly string[]>>>
>;

/**
 * The selection, with what a storage layout is made of added for every
 * contract: solc's layout, and the AST for namespaces and annotations.
 *
 * @see https://docs.soliditylang.org/en/latest/using-the-compiler.html#input-description
 */
export function withStorageLayout(
  selection: OutputSelection = {},
): Record<string, Record<string, string[]>> {
  const everywhere = selection["*"] ?? {};
  return {
    ...copy(selection),
    "*": {
      ...copy({ "*": everywhere })["*"],
      "*": including(everywhere["*"], "storageLayout"),
      "": including(everywhere[""], "ast"),
    },
  };
}

function including(outputs: readonly string[] = [], output: string): string[] {
  return outputs.includes(output) ? [...outputs] : [...outputs, output];
}

function copy(
  selection: OutputSelection,
): Record<string, Record<string, string[]>> {
  return Object.fromEntries(
    Object.entries(selection).map(([source, contracts]) => [
      source,
      Object.fromEntries(
        Object.entries(contracts).map(([contract, outputs]) => [
          contract,
          [...outputs],
        ]),
      ),
    ]),
  );
}
