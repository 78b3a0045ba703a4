/** Writes docs/errors.md from the catalogue; a test keeps them equal. */
import { writeFile } from "node:fs/promises";

import { formatErrorReference } from "./error-reference.js";

await writeFile("docs/errors.md", formatErrorReference());
