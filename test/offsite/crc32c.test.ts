import { CRC32C } from "@google-cloud/storage";
import { expect } from "chai";
import fc from "fast-check";

import { crc32c, crc32cToBase64 } from "../../src/offsite/crc32c.js";

describe("CRC-32C", () => {
  it("is what RFC 3720 says", () => {
    expect(crc32c(Buffer.from("123456789"))).to.equal(0xe3069283);
    expect(crc32c(Buffer.alloc(32))).to.equal(0x8a9136aa);
    expect(crc32c(Buffer.alloc(32, 0xff))).to.equal(0x62a8ab43);
    expect(crc32c(Buffer.alloc(0))).to.equal(0);
  });

  it("is Google's, of any bytes, in any two parts", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(), (bytes, cut) => {
        const theirs = new CRC32C();
        theirs.update(Buffer.from(bytes));
        const at = bytes.length === 0 ? 0 : cut % bytes.length;
        const first = crc32c(bytes.subarray(0, at));
        const both = crc32c(bytes.subarray(at), first);
        expect(crc32cToBase64(both)).to.equal(theirs.toString());
        expect(crc32c(bytes)).to.equal(both);
      }),
    );
  });
});
