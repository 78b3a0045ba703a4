/** Most of what is done with a chunk is done by another thread: sent one by one, small ones cost more than the work. */
export const CHUNK_BYTES = 1_048_576;
