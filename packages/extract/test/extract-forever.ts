/* A server for one test: reads a file that never ends, and says when the first page is read. */
import { silentLogger } from "@millrace/kernel";
import { createExtractor } from "../src/index.ts";

const [tempDirectory = "", path = ""] = process.argv.slice(2);
const extractor = createExtractor({ logger: silentLogger, tempDirectory, concurrency: 1 });
await extractor.extract({ path, fileName: null, onProgress: () => process.stdout.write("page\n") });
