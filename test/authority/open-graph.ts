import { AuthorityGraph } from "../../src/authority/graph.js";
import { BlockReader } from "../../src/chain/block-reader.js";
import { ProviderRpc } from "../../src/chain/provider-rpc.js";
import type { Rpc } from "../../src/chain/rpc.js";
import type { Connection } from "../helpers/contracts.js";
import { CountingRpc } from "./counting-rpc.js";

export interface OpenedGraph {
  readonly graph: AuthorityGraph;
  readonly rpc: CountingRpc;
}

/** A graph at the connection's latest block. */
export async function openGraph(
  connection: Connection,
  options: {
    readonly fromBlock?: bigint;
    readonly through?: (rpc: Rpc) => Rpc;
  } = {},
): Promise<OpenedGraph> {
  const { fromBlock = 0n, through = (rpc: Rpc) => rpc } = options;
  const rpc = new CountingRpc(
    through(new ProviderRpc("test", connection.provider)),
  );
  const reader = await BlockReader.at(rpc);
  return { graph: new AuthorityGraph(reader, fromBlock), rpc };
}
