#!/usr/bin/env node
import { enableCompileCache } from "node:module";
import { fileURLToPath } from "node:url";

// Half of the time of a short command is stripping types and compiling. Kept beside the packages, where
// nobody else may write; where that can't be written either, every process compiles for itself.
const { directory } = enableCompileCache(
  fileURLToPath(new URL("../node_modules/.cache/compiled", import.meta.url)),
);
// For the processes that this one starts.
if (directory !== undefined) process.env.NODE_COMPILE_CACHE ??= directory;

const { runCommandLine } = await import("./cli/command-line.ts");
process.exitCode = await runCommandLine(process.argv.slice(2));
