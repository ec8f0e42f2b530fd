/** Holds the lock of the folder given as argument until it is killed. */
import { lockFolder } from "../src/index.ts";

const folder = process.argv[2];
if (folder === undefined) throw new Error("usage: folder-lock-child.ts <folder>");
lockFolder(folder).announce("http://127.0.0.1:1");
process.stdout.write("locked\n");
setInterval(() => undefined, 60_000);
