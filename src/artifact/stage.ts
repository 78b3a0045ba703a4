import {
  finished,
  PassThrough,
  pipeline,
  Transform,
  type Duplex,
  type Readable,
} from "node:stream";

import { CHUNK_BYTES } from "../core/chunk-bytes.js";
import { giveBack, handOver } from "../core/hand-over.js";

/** A part of the way that bytes go; whatever fails in it, or before it, fails what it gives. */
export type Stage = (input: Readable) => Promise<Readable>;

/** A stream that bytes go through. */
export function through(stream: Duplex): Stage {
  return (input) => {
    // It destroys both with the error of either; whoever reads learns of it.
    pipeline(input, stream, () => undefined);
    return Promise.resolve(stream);
  };
}

/**
 * The same for a stream that throws, where nobody can catch it, when it is
 * destroyed before its end: after a failure it is left to the garbage collector.
 */
export function throughFragile(stream: Duplex): Stage {
  return (input) => {
    const output = new PassThrough();
    const fail = (error: Error) => {
      output.destroy(error);
    };
    finished(input, { writable: false }, (error) => {
      if (error) {
        fail(error);
      }
    });
    stream.on("error", fail);
    output.on("close", () => {
      input.destroy();
    });
    input.pipe(stream).pipe(output);
    return Promise.resolve(output);
  };
}

/** Makes large chunks of small ones, such as come out of pipes. */
export function gathering(): Stage {
  let gathered: Buffer[] = [];
  let sizeBytes = 0;
  const take = () => {
    const chunk = Buffer.concat(gathered);
    gathered.forEach(giveBack);
    [gathered, sizeBytes] = [[], 0];
    return handOver(chunk);
  };
  return through(
    new Transform({
      highWaterMark: CHUNK_BYTES,
      transform: (chunk: Buffer, _, done) => {
        gathered.push(chunk);
        sizeBytes += chunk.length;
        done(null, sizeBytes < CHUNK_BYTES ? undefined : take());
      },
      flush: (done) => {
        done(null, sizeBytes === 0 ? undefined : take());
      },
    }),
  );
}

/** One stage after the other. */
export async function inStages(
  input: Readable,
  stages: readonly Stage[],
): Promise<Readable> {
  let output = input;
  for (const stage of stages) {
    output = await stage(output);
  }
  return output;
}
