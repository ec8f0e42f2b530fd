import { budgetSchema, pageSchema, setBudgetSchema } from "@millrace/contracts";
import type { Budget } from "@millrace/contracts";
import { installationScope, listBudgets, mostUsed, removeBudget, setBudget, stateOf } from "@millrace/usage";
import type { BudgetRecord } from "@millrace/usage";
import { MillraceError, suggestion } from "@millrace/kernel";
import { z } from "zod";
import { personOf } from "./on-behalf.ts";
import type { RouteParts } from "./route-parts.ts";
import type { TypedApp } from "./typed-app.ts";

const tags = ["Budgets"];
/** How REST and the command line call all calls together. */
const installationName = "installation";
const params = z.object({
  scope: z.string().min(1).max(200).describe("An owner, or `installation` for all calls together"),
});

/** `/api/budgets`: how much model calls may cost, and how much of it is used. */
export function budgetRoutes(app: TypedApp, { installation, access, settings }: RouteParts): void {
  const { database } = installation;
  const toBudget = (record: BudgetRecord): Budget => budgetOf(record, settings.BUDGET_WARN_PERCENT);

  app.get(
    "/api/budgets",
    {
      schema: {
        tags,
        summary: "Budgets with a limit, the installation's first, and how they stand",
        response: { 200: pageSchema(budgetSchema) },
      },
    },
    async (request) => {
      await access.authenticate(request);
      const records = await listBudgets(database.queryable, settings);
      return { data: records.map(toBudget), next_cursor: null, has_more: false };
    },
  );

  app.put(
    "/api/budgets/:scope",
    {
      schema: {
        tags,
        summary: "Set a budget in place of the settings'; it holds everywhere within five seconds",
        params,
        body: setBudgetSchema,
        response: { 200: budgetSchema },
      },
    },
    async (request) => {
      const by = personOf(await access.authenticate(request));
      const scope = scopeOf(request.params.scope);
      assertCounted(request.params.scope);
      const limits = request.body;
      await setBudget(database, scope, limits, { by });
      const found = await listBudgets(database.queryable, settings, [scope]);
      const record = found.find((known) => known.scope === scope);
      // One without any limit is not listed.
      return toBudget(record ?? { ...unused, scope, limits, changedBy: by, changedAt: new Date() });
    },
  );

  app.delete(
    "/api/budgets/:scope",
    {
      schema: { tags, summary: "Let the settings hold again", params, response: { 204: z.null() } },
    },
    async (request, reply) => {
      await access.authenticate(request);
      await removeBudget(database, scopeOf(request.params.scope));
      return reply.code(204).send(null);
    },
  );
}

const unused = {
  used: { day_dollars: 0, month_dollars: 0, day_tokens: 0, month_tokens: 0 },
  reserved: { dollars: 0, tokens: 0 },
  isRefusing: false,
};

function scopeOf(name: string): string {
  if (name === installationScope) throw notAnOwner(name, "");
  return name === installationName ? installationScope : name;
}

/** One that no call counts in would look like a limit and be none. */
function assertCounted(name: string): void {
  if (name === installationName) return;
  const near = suggestion(name.toLowerCase(), [installationName]);
  if (near !== "" || /[\s\p{C}]/u.test(name)) throw notAnOwner(name, near);
}

function notAnOwner(name: string, near: string): MillraceError {
  return new MillraceError({
    code: "budget_owner_invalid",
    kind: "invalid",
    message: `${JSON.stringify(name)} can be no owner. Name one, such as the id of a workspace, or ${installationName} for all calls together.${near}`,
    details: { scope: name },
  });
}

function budgetOf(record: BudgetRecord, warnPercent: number): Budget {
  return {
    scope: record.scope === installationScope ? installationName : record.scope,
    limits: record.limits,
    used: record.used,
    reserved: record.reserved,
    used_percent: Math.floor(mostUsed(record).share * 1000) / 10,
    state: stateOf(record, warnPercent),
    changed_by: record.changedBy,
    changed_at: record.changedAt?.toISOString() ?? null,
  };
}
