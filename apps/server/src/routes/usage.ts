import {
  callListQuerySchema,
  modelCallSchema,
  pageSchema,
  usageGroupSchema,
  usageQuerySchema,
  usageSchema,
} from "@millrace/contracts";
import type { ModelCall } from "@millrace/contracts";
import { MillraceError } from "@millrace/kernel";
import { listCalls, readUsage } from "@millrace/usage";
import type { ListedCall } from "@millrace/usage";
import { visibleOwners } from "./on-behalf.ts";
import { readCursor, toPage } from "./pages.ts";
import type { RouteParts } from "./route-parts.ts";
import type { TypedApp } from "./typed-app.ts";

const tags = ["Usage"];
const dayMs = 86_400_000;
const usualDays = 30;
/** For so long calls are kept. */
const mostDays = 400;

/** `/api/usage` and `/api/usage/calls`: what model calls of one's own workspace used and cost. */
export function usageRoutes(app: TypedApp, { installation, access }: RouteParts): void {
  const { queryable } = installation.database;

  app.get(
    "/api/usage",
    {
      schema: {
        tags,
        summary: "What model calls used and cost, by day, model or purpose",
        querystring: usageQuerySchema,
        response: { 200: usageSchema },
      },
    },
    async (request) => {
      const owners = visibleOwners(await access.authenticate(request));
      const { from, to } = readSpan(request.query);
      const groups = request.query.by.split(",").map((group) => usageGroupSchema.parse(group));
      const filter = { owners, from, to };
      const usage = await readUsage(installation.database, filter, groups);
      return { from: from.toISOString(), to: to.toISOString(), ...usage };
    },
  );

  app.get(
    "/api/usage/calls",
    {
      schema: {
        tags,
        summary: "List model calls, newest first",
        querystring: callListQuerySchema,
        response: { 200: pageSchema(modelCallSchema) },
      },
    },
    async (request) => {
      const owners = visibleOwners(await access.authenticate(request));
      const { limit, cursor, from, to, ...marks } = request.query;
      const rows = await listCalls(queryable, {
        ...marks,
        owners,
        from: from === undefined ? undefined : new Date(from),
        to: to === undefined ? undefined : new Date(to),
        before: readCursor(cursor),
        limit: limit + 1,
      });
      return toPage(rows.map(toModelCall), limit);
    },
  );
}

/** Throws `invalid_time_span`. */
function readSpan(query: { readonly from?: string | undefined; readonly to?: string | undefined }) {
  const to = query.to === undefined ? new Date() : new Date(query.to);
  const from = query.from === undefined ? new Date(to.getTime() - usualDays * dayMs) : new Date(query.from);
  const days = (to.getTime() - from.getTime()) / dayMs;
  if (days > 0 && days <= mostDays) return { from, to };
  throw new MillraceError({
    code: "invalid_time_span",
    kind: "invalid",
    message: `\`from\` must be before \`to\`, by ${mostDays} days at most.`,
    items: [{ pointer: "/query/from", code: "invalid_time_span", message: "does not fit `to`" }],
  });
}

function toModelCall(call: ListedCall): ModelCall {
  return {
    ...call,
    called_at: call.called_at.toISOString(),
    owner: call.owner === "" ? null : call.owner,
  };
}
