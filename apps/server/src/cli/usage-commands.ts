import { usageGroups, usageSchema } from "@millrace/contracts";
import type { Usage, UsageGroup, UsageRow } from "@millrace/contracts";
import { Option } from "commander";
import type { Command } from "commander";
import type { CommandHost } from "./command-host.ts";
import { pastMoment } from "./option-values.ts";
import { shortCount, shortDollars } from "./terminal/amounts.ts";
import { writeTable } from "./terminal/table.ts";
import { writeJson } from "./write-json.ts";

type UsageOptions = {
  readonly by: UsageGroup;
  readonly from?: string;
  readonly to?: string;
  readonly json?: true;
};

/** `millrace usage`, through the running server or without one. */
export function addUsageCommand(program: Command, host: CommandHost): void {
  program
    .command("usage")
    .description("What model calls used and cost")
    .addOption(new Option("--by <group>", "what is summed up").choices(usageGroups).default("day"))
    .option("--from <time>", "since a moment, or for the last 10m, 2h, 7d; the last 30 days", pastMoment)
    .option("--to <time>", "until a moment, or so long ago", pastMoment)
    .option("--json", "print JSON")
    .action(async ({ json, ...query }: UsageOptions) => {
      const client = await host.server();
      const usage = await client.call("/api/usage", usageSchema, { query });
      if (json) writeJson(usage);
      else show(usage, query.by);
    });
}

function show({ data, total, charged }: Usage, by: UsageGroup): void {
  writeTable<UsageRow>(
    process.stdout,
    [
      { title: by.toUpperCase(), value: (row) => row[by] ?? "-", isFlexible: true },
      { title: "CALLS", value: (row) => shortCount(row.calls) },
      { title: "SAVED", value: (row) => shortCount(row.saved) },
      { title: "FAILED", value: (row) => shortCount(row.failed) },
      { title: "TOKENS IN", value: (row) => shortCount(row.input_tokens) },
      { title: "TOKENS OUT", value: (row) => shortCount(row.output_tokens) },
      { title: "COST", value: costOf },
    ],
    data,
  );
  process.stderr.write(
    `${shortCount(total.calls)} calls, ${costOf(total)}; charged for ${shortCount(charged.steps)} steps of jobs: ${costOf(charged)}\n`,
  );
}

/** What is known, with a mark where that is not all. */
function costOf({ cost, unpriced }: { readonly cost: number; readonly unpriced: number }): string {
  return `${shortDollars(cost)}${unpriced > 0 ? "+?" : ""}`;
}
