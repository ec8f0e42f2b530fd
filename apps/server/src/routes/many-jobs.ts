import {
  bulkRequestSchema,
  bulkResultSchema,
  failureListSchema,
  failureQuerySchema,
} from "@millrace/contracts";
import type { BulkResult } from "@millrace/contracts";
import { errorCode, isMillraceError } from "@millrace/kernel";
import type { MillraceError } from "@millrace/kernel";
import { groupFailures, toFailureGroup } from "@millrace/queue";
import type { ChangedMany } from "@millrace/queue";
import { toConditions } from "./job-conditions.ts";
import { visibleOwners } from "./on-behalf.ts";
import type { RouteParts } from "./route-parts.ts";
import type { TypedApp } from "./typed-app.ts";

const tags = ["Jobs"];

/** What is done with many jobs at once, and what failed in groups. */
export function manyJobsRoutes(app: TypedApp, parts: RouteParts): void {
  const { queue, database } = parts.installation;
  const { control } = queue;
  const { authenticate } = parts.access;

  app.get(
    "/api/jobs/failures",
    {
      schema: {
        tags,
        summary: "Failed jobs by task, code and what their messages have in common, the largest group first",
        querystring: failureQuerySchema,
        response: { 200: failureListSchema },
      },
    },
    async (request) => {
      const owners = visibleOwners(await authenticate(request));
      const { groups, examined, isPartial } = await groupFailures(database.queryable, {
        ...request.query,
        owners,
      });
      return { data: groups.map(toFailureGroup), examined, is_partial: isPartial };
    },
  );

  for (const [action, summary, change] of [
    [
      "retry",
      "Put many ended jobs back in line, with the same inputs and their history",
      (...given: Parameters<typeof control.retryJobs>) => control.retryJobs(...given),
    ],
    [
      "cancel",
      "Cancel many jobs, whatever their states",
      (...given: Parameters<typeof control.cancelJobs>) => control.cancelJobs(...given),
    ],
  ] as const) {
    app.post(
      `/api/jobs/${action}`,
      {
        schema: {
          tags,
          summary: `${summary}; ask again while some are left`,
          body: bulkRequestSchema,
          response: { 200: bulkResultSchema },
        },
      },
      async (request) => {
        const owners = visibleOwners(await authenticate(request));
        const { filter, expected_count: expectedCount, dry_run: isDryRun } = request.body;
        const limit = isDryRun === true ? 0 : request.body.limit;
        const selection = { ...toConditions(filter), owners };
        const changed = await change(selection, { expectedCount, limit, signal: parts.stopping });
        for (const { id, error } of changed.failures.filter((failure) => !isTold(failure.error))) {
          parts.logger.warn({ err: error, job_id: id, action }, "a job could not be changed with others");
        }
        return toBulkResult(changed);
      },
    );
  }
}

function toBulkResult({ asOf, failures, ...counts }: ChangedMany): BulkResult {
  return {
    ...counts,
    as_of: asOf.toISOString(),
    errors: failures.map(({ id, error }) => toFailure(id, error)),
  };
}

/** Whether people may be told what it says; else only its code, and the rest is for the log. */
function isTold(error: unknown): error is MillraceError {
  return isMillraceError(error) && error.kind !== "internal";
}

function toFailure(id: string, error: unknown): BulkResult["errors"][number] {
  const message = isTold(error)
    ? error.message
    : "Its own hook failed, or the server did. Look at the server's log.";
  return { id, code: errorCode(error), message };
}
