/** The strict S3 of the tests as a process of its own: says in one line of JSON where it is. */
import { S3Server } from "../test/offsite/s3-server.js";

const { endpoint, bucket, credentials } = await S3Server.start();
process.stdout.write(`${JSON.stringify({ endpoint, bucket, credentials })}\n`);
