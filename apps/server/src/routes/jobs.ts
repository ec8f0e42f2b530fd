import {
  idSchema,
  jobDetailSchema,
  jobListQuerySchema,
  jobSchema,
  logLineSchema,
  pageQuerySchema,
  pageSchema,
} from "@millrace/contracts";
import type { Access } from "@millrace/kernel";
import { findJobs, jobNotFound, listJobs, listLog, toJob, toJobDetail, toLogLine } from "@millrace/queue";
import type { JobRecord } from "@millrace/queue";
import { z } from "zod";
import { parsePrefer, preferenceApplied } from "../http/index.ts";
import { readCursor, toPage } from "./pages.ts";
import type { RouteParts } from "./route-parts.ts";
import type { TypedApp } from "./typed-app.ts";
import { waitSignal } from "./wait-signal.ts";

const params = z.object({ id: idSchema });
const tags = ["Jobs"];

/** `/api/jobs` and everything below it but the event stream. */
export function jobRoutes(app: TypedApp, parts: RouteParts): void {
  actionRoutes(app, parts);
  const { queue } = parts.installation;
  const { queryable } = queue.database;
  const { authenticate } = parts.access;

  const getJob = jobReader(parts);

  app.get(
    "/api/jobs",
    {
      schema: {
        tags,
        summary: "List jobs, newest first",
        querystring: jobListQuerySchema,
        response: { 200: pageSchema(jobSchema) },
      },
    },
    async (request) => {
      const { limit, cursor, ...filter } = request.query;
      const { workspaceId: owner } = await authenticate(request);
      const rows = await listJobs(queryable, {
        owner,
        ...filter,
        before: readCursor(cursor),
        limit: limit + 1,
      });
      return toPage(rows.map(toJob), limit);
    },
  );

  app.get(
    "/api/jobs/:id",
    {
      schema: {
        tags,
        summary: "One job with attempts and steps",
        params,
        response: { 200: jobDetailSchema },
      },
    },
    async (request, reply) => {
      const job = await getJob(await authenticate(request), request.params.id);
      const { waitSeconds = 0 } = parsePrefer(request.headers.prefer);
      const waiting = { timeoutMs: waitSeconds * 1000, signal: waitSignal(reply, parts.stopping) };
      const current = waitSeconds === 0 ? job : ((await queue.waitForEnd(job.id, waiting)) ?? job);
      if (waitSeconds > 0) void reply.header("preference-applied", preferenceApplied(waitSeconds));
      if (current.finished_at === null) void reply.header("retry-after", "1");
      return toJobDetail(current, await queue.readDetail(job.id));
    },
  );

  app.get(
    "/api/jobs/:id/logs",
    {
      schema: {
        tags,
        summary: "What the job logged for people, newest first",
        params,
        querystring: pageQuerySchema,
        response: { 200: pageSchema(logLineSchema) },
      },
    },
    async (request) => {
      const { limit, cursor } = request.query;
      const job = await getJob(await authenticate(request), request.params.id);
      const rows = await listLog(queryable, {
        jobIds: [job.id],
        before: readCursor(cursor),
        limit: limit + 1,
      });
      return toPage(rows.map(toLogLine), limit);
    },
  );
}

function actionRoutes(app: TypedApp, parts: RouteParts): void {
  const { queue } = parts.installation;
  const { authenticate } = parts.access;
  const getJob = jobReader(parts);

  app.post(
    "/api/jobs/:id/cancel",
    { schema: { tags, summary: "Cancel, whatever its state", params, response: { 202: jobSchema } } },
    async (request, reply) => {
      const { id } = await getJob(await authenticate(request), request.params.id);
      await queue.transaction((scope) => queue.cancel(scope, id));
      const job = await getJob(await authenticate(request), id);
      return reply.code(202).header("location", `/api/jobs/${id}`).send(toJob(job));
    },
  );

  app.post(
    "/api/jobs/:id/retry",
    {
      schema: {
        tags,
        summary: "Try an ended job again, with the same input",
        params,
        response: { 202: jobSchema },
      },
    },
    async (request, reply) => {
      const { id } = await getJob(await authenticate(request), request.params.id);
      await queue.transaction((scope) => queue.retry(scope, id));
      const job = await getJob(await authenticate(request), id);
      return reply.code(202).header("location", `/api/jobs/${id}`).send(toJob(job));
    },
  );
}

/** Finds jobs of somebody. Others' jobs are not found, as if there were none. */
function jobReader({ installation }: RouteParts) {
  return async (access: Access, id: string): Promise<JobRecord> => {
    const [job] = await findJobs(installation.database.queryable, [id]);
    if (job === undefined || job.owner !== access.workspaceId) throw jobNotFound(id);
    return job;
  };
}
