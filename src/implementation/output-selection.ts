/** solc's `settings.outputSelection`: source → contract → outputs. */
export type OutputSelection = Readonly<
  Record<string, Readonly<Record<string, readonly string[]>>>
>;

/**
 * The selection, with what recoveries need of every contract added: what a
 * storage layout is made of, solc's layout and the AST for namespaces and
 * annotations; and the metadata, with which deployed code is verified.
 *
 * @see https://docs.soliditylang.org/en/latest/using-the-compiler.html#input-description
 */
export function withRecoveryOutputs(
  selection: OutputSelection = {},
): Record<string, Record<string, string[]>> {
  const everywhere = selection["*"] ?? {};
  return {
    ...copy(selection),
    "*": {
      ...copy({ "*": everywhere })["*"],
      "*": including(everywhere["*"], "storageLayout", "metadata"),
      "": including(everywhere[""], "ast"),
    },
  };
}

function including(
  outputs: readonly string[] = [],
  ...wanted: readonly string[]
): string[] {
  return [...new Set([...outputs, ...wanted])];
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
