import { readFileSync } from "node:fs";
import { parseJson } from "@millrace/kernel";
import { z } from "zod";

/** The version of this installation, from its package. */
export function readVersion(): string {
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return z.object({ version: z.string() }).parse(parseJson(text)).version;
}
