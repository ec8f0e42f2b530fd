import { isMillraceError, toError } from "@millrace/kernel";
import { printableLine, printableText } from "./terminal/printable.ts";

/** Says on standard error what failed, what to do next, and the code to look it up by. */
export function reportFailure(error: unknown, about?: string): void {
  process.stderr.write(
    `millrace: ${about === undefined ? "" : `${printableLine(about)}: `}${describe(error)}\n`,
  );
}

/** Errors whose message names each item already. */
const namesItems: ReadonlySet<string> = new Set([
  "invalid_settings",
  "invalid_config",
  "invalid_crew",
  "crew_inputs_invalid",
]);

function describe(error: unknown): string {
  if (!isMillraceError(error)) return toError(error).stack ?? toError(error).message;
  const request = error.details["request_id"];
  const reference = typeof request === "string" ? `${error.code}, request ${request}` : error.code;
  const items = namesItems.has(error.code) ? [] : error.items;
  const lines = items.map((item) => `\n  ${item.pointer}: ${item.message} (${item.code})`);
  return printableText(`${error.message} (${reference})${lines.join("")}`);
}
