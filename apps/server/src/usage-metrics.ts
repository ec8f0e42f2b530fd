import type { QueryAccess } from "@millrace/database";
import type { Logger } from "@millrace/kernel";
import { addReading } from "@millrace/queue/metrics";
import { installationScope, listBudgets, mostUsed, stateOf } from "@millrace/usage";
import type { UsageCounts, UsageSettings } from "@millrace/usage";
import { Counter } from "prom-client";
import type { Registry } from "prom-client";

type Sample = { readonly labels: Record<string, string>; readonly value: number };

/** Shows the model calls of this process, and how the budgets of all stand. */
export function addUsageMetrics(parts: {
  readonly registry: Registry;
  readonly logger: Logger;
  readonly database: QueryAccess;
  readonly counts: UsageCounts;
  readonly settings: UsageSettings;
}): void {
  const { registry, counts } = parts;
  const ofCalls = (value: (call: UsageCounts["calls"][number]) => number) => () =>
    counts.calls.map((call) => {
      const { purpose, model, outcome } = call;
      return { labels: { purpose, model, outcome }, value: value(call) };
    });
  const labelNames = ["purpose", "model", "outcome"];
  addCount(registry, {
    name: "millrace_model_calls_total",
    help: "Model calls of this process; cached and shared ones were answered without one",
    labelNames,
    read: ofCalls(({ calls }) => calls),
  });
  addCount(registry, {
    name: "millrace_model_tokens_total",
    help: "Tokens that they read and wrote, as far as servers say",
    labelNames: [...labelNames, "direction"],
    read: () =>
      counts.calls.flatMap(({ purpose, model, outcome, inputTokens, outputTokens }) => [
        { labels: { purpose, model, outcome, direction: "input" }, value: inputTokens },
        { labels: { purpose, model, outcome, direction: "output" }, value: outputTokens },
      ]),
  });
  addCount(registry, {
    name: "millrace_model_cost_dollars_total",
    help: "What they cost, as far as prices are known",
    labelNames,
    read: ofCalls(({ cost }) => cost),
  });
  addWaits(registry, counts);
  addCount(registry, {
    name: "millrace_model_calls_unlisted_total",
    help: "Calls that the list of calls does not have, because it could not be written in time",
    labelNames: [],
    read: () => [{ labels: {}, value: counts.dropped }],
  });
  addBudgets(parts);
}

function addWaits(registry: Registry, counts: UsageCounts): void {
  addCount(registry, {
    name: "millrace_model_limit_waits_total",
    help: "How often a call was told to wait by the limits of its model, or because its server asked for it",
    labelNames: ["model"],
    read: () => counts.waits.map(({ model, waits }) => ({ labels: { model }, value: waits })),
  });
  addCount(registry, {
    name: "millrace_model_limit_wait_seconds_total",
    help: "How long they were told to wait",
    labelNames: ["model"],
    read: () => counts.waits.map(({ model, seconds }) => ({ labels: { model }, value: seconds })),
  });
}

function addBudgets({
  database,
  settings,
  ...options
}: {
  readonly registry: Registry;
  readonly logger: Logger;
  readonly database: QueryAccess;
  readonly settings: UsageSettings;
}): void {
  addReading(options, {
    name: "millrace_budgets",
    help: "Budgets with a limit by how they stand: ok, near, exceeded",
    labelNames: ["state"],
    read: async () => {
      const budgets = await listBudgets(database.queryable, settings);
      const states = budgets.map((budget) => stateOf(budget, settings.BUDGET_WARN_PERCENT));
      return ["ok", "near", "exceeded"].map((state) => ({
        labels: { state },
        value: states.filter((found) => found === state).length,
      }));
    },
  });
  addReading(options, {
    name: "millrace_budget_used_ratio",
    help: "Share of the installation's budget that is used or set aside, of the limit that is nearest",
    labelNames: [],
    read: async () => {
      const budgets = await listBudgets(database.queryable, settings, []);
      const own = budgets.filter(({ scope }) => scope === installationScope);
      return own.map((budget) => ({ labels: {}, value: mostUsed(budget).share }));
    },
  });
}

/** A counter whose values are kept elsewhere. */
function addCount(
  registry: Registry,
  counted: {
    readonly name: string;
    readonly help: string;
    readonly labelNames: readonly string[];
    readonly read: () => readonly Sample[];
  },
): void {
  const { read, ...about } = counted;
  const counter = new Counter({
    ...about,
    registers: [],
    collect() {
      this.reset();
      for (const { labels, value } of read()) this.inc(labels, value);
    },
  });
  registry.registerMetric(counter);
}
