import {
  finished,
  PassThrough,
  pipeline,
  type Duplex,
  type Readable,
} from "node:stream";

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
