import { randomBytes } from "node:crypto";
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";

import { RpcMemory } from "./rpc-memory.js";
import { RpcResponseError, type Rpc } from "../chain/rpc.js";
import { messageOf } from "../core/errors.js";

/** An {@link Rpc} that others can reach by URL. */
export interface RpcServer {
  /** On the loopback interface, with a path that nobody can guess. */
  readonly url: string;
  close(): Promise<void>;
}

interface JsonRpcRequest {
  readonly id: unknown;
  readonly method: string;
  readonly params?: readonly unknown[];
}

/** Reads, and nothing else: the accounts behind an RPC are none of a fork's business. */
const READS =
  /^(eth_(get[A-Z]\w+|chainId|blockNumber|feeHistory|gasPrice|maxPriorityFeePerGas)|net_version|web3_clientVersion)$/;

const METHOD_NOT_FOUND = -32601;
const INTERNAL_ERROR = -32603;
const PARSE_ERROR = -32700;

/**
 * Serves the reads of an RPC on a free port of this machine. So a fork is made
 * alike of a chain that has a URL and of one inside this process; headers,
 * retries and secrets of a URL stay on this side. What can't change is asked
 * once: a fork asks for the same account again and again.
 */
export async function serveRpc(rpc: Rpc): Promise<RpcServer> {
  const path = `/${randomBytes(16).toString("hex")}`;
  const memory = new RpcMemory(rpc);
  const server = createServer((request, response) => {
    void answer(memory, path, request, response);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${String(port)}${path}`,
    close: async () => {
      await close(server);
    },
  };
}

async function answer(
  memory: RpcMemory,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.url !== path || request.method !== "POST") {
    response.writeHead(404).end();
    return;
  }
  const body = await readBody(request).catch(() => undefined);
  if (body === undefined) {
    response.destroy();
    return;
  }
  const answers = Array.isArray(body)
    ? await Promise.all(body.map(async (one) => await answerOne(memory, one)))
    : await answerOne(memory, body);
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(answers));
}

/** @returns null for what isn't JSON. */
async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) {
    chunks.push(chunk as Buffer);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch {
    return null;
  }
}

async function answerOne(memory: RpcMemory, body: unknown): Promise<object> {
  if (!isRequest(body)) {
    return failed(null, PARSE_ERROR, "not a JSON-RPC request");
  }
  const { id, method, params } = body;
  if (!READS.test(method)) {
    return failed(id, METHOD_NOT_FOUND, `${method} isn't served to a fork`);
  }
  try {
    const result = await memory.request(method, params);
    return { jsonrpc: "2.0", id, result };
  } catch (error) {
    const code =
      error instanceof RpcResponseError ? error.code : INTERNAL_ERROR;
    return failed(id, code, messageOf(error));
  }
}

function isRequest(body: unknown): body is JsonRpcRequest {
  return (
    typeof body === "object" &&
    body !== null &&
    "method" in body &&
    typeof body.method === "string" &&
    "id" in body
  );
}

function failed(id: unknown, code: number, message: string): object {
  return { jsonrpc: "2.0", id, error: { code, message } };
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise<void>((resolve) => {
    server.close(() => {
      resolve();
    });
  });
}
