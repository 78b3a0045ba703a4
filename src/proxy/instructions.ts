import type { Hex } from "../core/hex.js";

/** One instruction of EVM code, with the constant it pushes. */
export interface Instruction {
  readonly opcode: number;
  /** Hexadecimal digits; none but for PUSH1 to PUSH32. */
  readonly constant: string;
}

const PUSH1 = 0x60;
export const PUSH20 = 0x73;
export const PUSH32 = 0x7f;
export const DELEGATECALL = 0xf4;

/**
 * The instructions of a contract's code, in order. What follows the code in
 * the same bytes, a compiler's metadata say, is read as code too.
 */
export function* readInstructions(code: Hex): Generator<Instruction> {
  const digits = code.slice(2).toLowerCase();
  let at = 0;
  while (at < digits.length) {
    const opcode = Number.parseInt(digits.slice(at, at + 2), 16);
    const isPush = opcode >= PUSH1 && opcode <= PUSH32;
    const end = at + 2 + (isPush ? (opcode - PUSH1 + 1) * 2 : 0);
    yield { opcode, constant: digits.slice(at + 2, end) };
    at = end;
  }
}
