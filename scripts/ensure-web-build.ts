import { join } from "node:path";
import { ensureWebBuild } from "./web-build.ts";

process.exitCode = (await ensureWebBuild(join(import.meta.dirname, ".."))) ? 0 : 1;
