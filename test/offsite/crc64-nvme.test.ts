import { S3 } from "@aws-sdk/client-s3";
import { expect } from "chai";
import fc from "fast-check";

import {
  crc64Nvme,
  crc64NvmeOfAll,
  formatCrc64Nvme,
} from "../../src/offsite/crc64-nvme.js";
import { useS3 } from "./s3-scene.js";

describe("CRC-64/NVME", () => {
  it("is what the specification's check value says", () => {
    const digits = Buffer.from("123456789");
    expect(crc64Nvme(digits)).to.equal(0xae8b14860a799888n);
    expect(formatCrc64Nvme(crc64Nvme(digits))).to.equal("rosUhgp5mIg=");
    expect(crc64Nvme(Buffer.alloc(0))).to.equal(0n);
  });

  it("comes from the checksums of any parts, wherever they lie in memory", () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 5 }),
        (parts) => {
          const whole = Buffer.concat(parts);
          let at = 0;
          const sums = parts.map(({ length: sizeBytes }) => {
            const part = whole.subarray(at, at + sizeBytes);
            at += sizeBytes;
            return { crc64Nvme: crc64Nvme(part), sizeBytes };
          });
          expect(crc64NvmeOfAll(sums)).to.equal(crc64Nvme(whole));
        },
      ),
    );
  });

  describe("as Amazon's SDK computes it", () => {
    const scene = useS3();

    it("is the same", async () => {
      const { server } = scene;
      const client = new S3({
        endpoint: server.endpoint,
        region: "us-east-1",
        forcePathStyle: true,
        credentials: server.credentials,
      });
      for (const sizeBytes of [0, 1, 7, 8, 9, 1000, 65_537]) {
        const bytes = Buffer.alloc(sizeBytes, "a word");
        const { ChecksumCRC64NVME } = await client.putObject({
          Bucket: server.bucket,
          Key: String(sizeBytes),
          Body: bytes,
          ChecksumAlgorithm: "CRC64NVME",
        });
        expect(ChecksumCRC64NVME).to.equal(formatCrc64Nvme(crc64Nvme(bytes)));
      }
      client.destroy();
    });
  });
});
