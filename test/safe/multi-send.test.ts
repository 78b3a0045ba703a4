import { expect } from "chai";
import { Interface } from "ethers";
import * as fc from "fast-check";

import type { Hex } from "../../src/core/hex.js";
import {
  bundle,
  decodeMultiSend,
  encodeMultiSend,
} from "../../src/safe/multi-send.js";
import { safeArtifact, SAFE_VERSIONS } from "../helpers/deploy-governance.js";
import { anyCall } from "./sample-transaction.js";

const MULTI_SEND = "0x9641d764fc13c8B624c04430C7356C1C7C8102e2";
const call = {
  to: "0x5FbDB2315678afecb367f032d93F642f64180aa3",
  value: 7n,
  data: "0x8456cb59",
} as const;

describe("MultiSend", () => {
  it("decodes what it encodes", () => {
    fc.assert(
      fc.property(fc.array(anyCall, { maxLength: 20 }), (calls) => {
        expect(decodeMultiSend(encodeMultiSend(calls))).to.deep.equal(calls);
      }),
    );
  });

  it("knows a delegatecall among the calls", () => {
    const data = encodeMultiSend([call, call]);
    const at = packedStart(data);
    const delegated = `${data.slice(0, at)}01${data.slice(at + 2)}` as Hex;
    expect(
      decodeMultiSend(delegated)?.map(({ operation }) => operation),
    ).to.deep.equal([1, 0]);
    const unknown = `${data.slice(0, at)}02${data.slice(at + 2)}` as Hex;
    expect(decodeMultiSend(unknown)).to.equal(undefined);
  });

  it("decodes nothing that is cut off, or has something behind it", () => {
    fc.assert(
      fc.property(
        fc.array(anyCall, { minLength: 1, maxLength: 5 }),
        fc.nat(),
        (calls, cut) => {
          const data = encodeMultiSend(calls);
          const bytes = (data.length - 2) / 2;
          const kept = cut % bytes;
          const truncated = data.slice(0, 2 + kept * 2) as Hex;
          expect(decodeMultiSend(truncated)).to.equal(undefined);
          expect(decodeMultiSend(`${data}00`)).to.equal(undefined);
        },
      ),
    );
    // Inside the packed bytes too: the length says one more than the calls have.
    const packed = new Interface(["function multiSend(bytes)"]);
    const [inner] = packed.decodeFunctionData(
      "multiSend",
      encodeMultiSend([call]),
    ) as unknown as [string];
    for (const wrong of [`${inner}00`, inner.slice(0, -2)]) {
      const data = packed.encodeFunctionData("multiSend", [wrong]) as Hex;
      expect(decodeMultiSend(data)).to.equal(undefined);
    }
  });

  it("decodes nothing of another function", () => {
    expect(decodeMultiSend("0x8456cb59")).to.equal(undefined);
    expect(decodeMultiSend("0x")).to.equal(undefined);
  });

  it("is what Safe's own contract takes", () => {
    for (const version of SAFE_VERSIONS) {
      const { abi } = safeArtifact("MultiSendCallOnly", version);
      const [packed] = new Interface(abi).decodeFunctionData(
        "multiSend",
        encodeMultiSend([call]),
      ) as unknown as [string];
      expect(packed).to.equal(
        `0x00${call.to.slice(2).toLowerCase()}${"7".padStart(64, "0")}${"4".padStart(64, "0")}8456cb59`,
      );
    }
  });

  it("is only for several calls", () => {
    expect(bundle([call], MULTI_SEND)).to.deep.equal({ ...call, operation: 0 });
    expect(bundle([call, call], MULTI_SEND)).to.deep.equal({
      to: MULTI_SEND,
      value: 0n,
      data: encodeMultiSend([call, call]),
      operation: 1,
    });
  });
});

/** Behind the selector, the offset and the length. */
function packedStart(data: Hex): number {
  return data.indexOf("8456cb59") - (1 + 20 + 32 + 32) * 2;
}
