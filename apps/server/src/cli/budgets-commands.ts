import { budgetSchema, pageSchema } from "@millrace/contracts";
import type { Budget } from "@millrace/contracts";
import { InvalidArgumentError } from "commander";
import type { Command } from "commander";
import { z } from "zod";
import type { CommandHost } from "./command-host.ts";
import { invalidArguments } from "./errors.ts";
import { shortCount, shortDollars } from "./terminal/amounts.ts";
import { writeTable } from "./terminal/table.ts";
import { writeJson } from "./write-json.ts";

type JsonOption = { readonly json?: true };
type SetOptions = JsonOption & {
  readonly dayDollars?: number;
  readonly monthDollars?: number;
  readonly dayTokens?: number;
  readonly monthTokens?: number;
  readonly unlimited?: true;
};

/** `millrace budgets ls|set|rm`, through the running server or without one. */
export function addBudgetsCommands(program: Command, host: CommandHost): void {
  const budgets = program.command("budgets").description("How much model calls may cost");
  const { server } = host;
  budgets
    .command("ls")
    .description("List budgets with what is used of them today and this month (UTC)")
    .option("--json", "print a JSON array")
    .action(async ({ json }: JsonOption) => {
      const { data } = await (await server()).call("/api/budgets", pageSchema(budgetSchema));
      if (json) writeJson(data);
      else show(data);
    });
  budgets
    .command("set <scope>")
    .description("Set all limits of an owner, or of the installation; what is left out has no limit")
    .option("--day-dollars <number>", "US dollars a day", amount)
    .option("--month-dollars <number>", "US dollars a month", amount)
    .option("--day-tokens <number>", "tokens a day", wholeAmount)
    .option("--month-tokens <number>", "tokens a month", wholeAmount)
    .option("--unlimited", "no limit at all, whatever the settings say")
    .option("--json", "print JSON")
    .action(async (scope: string, { json, unlimited, ...limits }: SetOptions) => {
      // Without this, a forgotten option would lift all limits.
      if (Object.keys(limits).length > 0 === (unlimited === true)) {
        throw invalidArguments(
          "Give limits, such as --day-dollars 5, or --unlimited. `millrace budgets rm` lets the settings hold again.",
        );
      }
      const body = JSON.stringify({
        day_dollars: limits.dayDollars ?? null,
        month_dollars: limits.monthDollars ?? null,
        day_tokens: limits.dayTokens ?? null,
        month_tokens: limits.monthTokens ?? null,
      });
      const budget = await (await server()).call(pathOf(scope), budgetSchema, { method: "PUT", body });
      if (json) writeJson(budget);
      else process.stderr.write(`${budget.scope}: ${limitsOf(budget)}\n`);
    });
  budgets
    .command("rm <scope>")
    .description("Let the settings hold again for an owner, or for the installation")
    .option("--json", "print JSON: {deleted}")
    .action(async (scope: string, { json }: { readonly json?: true }) => {
      await (await server()).call(pathOf(scope), z.unknown(), { method: "DELETE" });
      process.stderr.write(`${scope}: as the settings say\n`);
      if (json) writeJson({ deleted: scope });
    });
}

function pathOf(scope: string): string {
  return `/api/budgets/${encodeURIComponent(scope)}`;
}

function show(budgets: readonly Budget[]): void {
  writeTable<Budget>(
    process.stdout,
    [
      { title: "SCOPE", value: ({ scope }) => scope },
      { title: "STATE", value: ({ state }) => state },
      { title: "USED", value: ({ used_percent: percent }) => `${percent} %` },
      { title: "LIMITS", value: limitsOf, isFlexible: true },
      { title: "SET BY", value: ({ changed_by: by }) => by ?? "settings" },
    ],
    budgets,
  );
}

function limitsOf({ limits, used }: Budget): string {
  const { day_dollars, month_dollars, day_tokens, month_tokens } = limits;
  const dollars = (spent: number, most: number | null, period: string): string[] =>
    most === null ? [] : [`${shortDollars(spent)} of ${shortDollars(most)} a ${period}`];
  const tokens = (spent: number, most: number | null, period: string): string[] =>
    most === null ? [] : [`${shortCount(spent)} of ${shortCount(most)} tokens a ${period}`];
  const parts = [
    ...dollars(used.day_dollars, day_dollars, "day"),
    ...dollars(used.month_dollars, month_dollars, "month"),
    ...tokens(used.day_tokens, day_tokens, "day"),
    ...tokens(used.month_tokens, month_tokens, "month"),
  ];
  return parts.join(", ") || "no limit";
}

function amount(value: string): number {
  if (!/^\d{1,9}(\.\d{1,9})?$/.test(value)) throw new InvalidArgumentError("It must be a number from 0.");
  return Number(value);
}

function wholeAmount(value: string): number {
  if (!/^\d{1,15}$/.test(value)) throw new InvalidArgumentError("It must be a whole number from 0.");
  return Number(value);
}
