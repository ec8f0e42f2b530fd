import {
  answerJobSchema,
  idSchema,
  isTerminal,
  jobDetailSchema,
  jobInputSchema,
  jobListQuerySchema,
  jobResultSchema,
  jobSchema,
  logLineSchema,
  pageQuerySchema,
  pageSchema,
} from "@millrace/contracts";
import type { Access } from "@millrace/kernel";
import {
  findJobs,
  jobNotFound,
  listJobs,
  listLog,
  toJob,
  toJobDetail,
  toJobResult,
  toLogLine,
} from "@millrace/queue";
import type { JobRecord } from "@millrace/queue";
import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { toConditions } from "./job-conditions.ts";
import { manyJobsRoutes } from "./many-jobs.ts";
import { maySee, personOf, visibleOwners } from "./on-behalf.ts";
import { readCursor, toPage } from "./pages.ts";
import type { RouteParts } from "./route-parts.ts";
import type { TypedApp } from "./typed-app.ts";
import { preferredWait } from "./preferred-wait.ts";

const params = z.object({ id: idSchema });
const tags = ["Jobs"];

/** `/api/jobs` and everything below it but the event stream. */
export function jobRoutes(app: TypedApp, parts: RouteParts): void {
  actionRoutes(app, parts);
  answerRoute(app, parts);
  payloadRoutes(app, parts);
  manyJobsRoutes(app, parts);
  const { queue } = parts.installation;
  const { queryable } = queue.database;
  const { authenticate } = parts.access;

  const getJob = jobReader(parts);
  const look = jobLooker(parts);

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
      const { limit, cursor, search, worker, ...marks } = request.query;
      const access = await authenticate(request);
      const rows = await listJobs(queryable, {
        ...toConditions(marks),
        search,
        worker,
        owners: visibleOwners(access),
        before: readCursor(cursor),
        limit: limit + 1,
      });
      return toPage(rows.map(toJob), limit);
    },
  );

  app.get(
    "/api/jobs/:id",
    {
      config: { heeds: ["prefer"] },
      schema: {
        tags,
        summary: "One job with attempts and steps",
        params,
        response: { 200: jobDetailSchema },
      },
    },
    async (request, reply) => {
      const seen = await look(await authenticate(request), request.params.id);
      const current = await waitAsPreferred(request, reply, parts, seen.job);
      const detail = current === seen.job ? seen.detail : await queue.readDetail(current.id);
      return toJobDetail(current, detail);
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

/** What a job was given and gave, however large. */
function payloadRoutes(app: TypedApp, parts: RouteParts): void {
  const { queue } = parts.installation;
  const { authenticate } = parts.access;
  const getJob = jobReader(parts);
  const look = jobLooker(parts);

  app.get(
    "/api/jobs/:id/input",
    {
      schema: {
        tags,
        summary: "What the job was given, without what its task says nobody is to see",
        params,
        response: { 200: jobInputSchema },
      },
    },
    async (request) => {
      const { id } = await getJob(await authenticate(request), request.params.id);
      return { id, input: (await queue.readPayload(id)).input };
    },
  );

  app.get(
    "/api/jobs/:id/result",
    {
      config: { heeds: ["prefer"] },
      schema: {
        tags,
        summary: "What became of the job; 202 while it has not ended, `Prefer: wait=N` waits for it",
        params,
        response: { 200: jobResultSchema, 202: jobResultSchema },
      },
    },
    async (request, reply) => {
      const seen = await look(await authenticate(request), request.params.id);
      const job = await waitAsPreferred(request, reply, parts, seen.job);
      const isWhole = job === seen.job && !seen.detail.omitted.includes("output");
      const { output } = isWhole ? seen.detail : await queue.readPayload(job.id);
      return reply.code(isTerminal(job.state) ? 200 : 202).send(toJobResult(job, output));
    },
  );
}

/** The job at its end, or as it is when the time that the request is ready to wait is over. */
async function waitAsPreferred(
  request: FastifyRequest,
  reply: FastifyReply,
  { installation, stopping }: RouteParts,
  job: JobRecord,
): Promise<JobRecord> {
  const wait = preferredWait(request, reply, stopping);
  const isOver = wait === undefined || isTerminal(job.state);
  const current = isOver ? job : ((await installation.queue.waitForEnd(job.id, wait)) ?? job);
  if (current.finished_at === null) void reply.header("retry-after", "1");
  return current;
}

function actionRoutes(app: TypedApp, parts: RouteParts): void {
  const { queue } = parts.installation;
  const { authenticate } = parts.access;
  const getJob = jobReader(parts);

  for (const [action, summary, act] of [
    [
      "cancel",
      "Cancel, whatever its state",
      (id: string) => queue.transaction((scope) => queue.cancel(scope, id)),
    ],
    [
      "retry",
      "Try an ended job again, with the same input",
      (id: string) => queue.transaction((scope) => queue.retry(scope, id)),
    ],
    [
      "force-release",
      "Take a running job from its worker at once, and put it back in line",
      (id: string, by: string) => queue.control.forceRelease(id, { by }),
    ],
  ] as const) {
    app.post(
      `/api/jobs/:id/${action}`,
      { schema: { tags, summary, params, response: { 202: jobSchema } } },
      async (request, reply) => {
        const access = await authenticate(request);
        const { id } = await getJob(access, request.params.id);
        await act(id, personOf(access));
        return reply
          .code(202)
          .header("location", `/api/jobs/${id}`)
          .send(toJob(await getJob(access, id)));
      },
    );
  }
}

/** What a job in the state `waiting` asks for. */
function answerRoute(app: TypedApp, parts: RouteParts): void {
  const { queue } = parts.installation;
  const getJob = jobReader(parts);
  app.post(
    "/api/jobs/:id/answer",
    {
      schema: {
        tags,
        summary: "Answer what the job waits for; the same answer twice is as once",
        params,
        body: answerJobSchema,
        response: { 202: jobSchema },
      },
    },
    async (request, reply) => {
      const access = await parts.access.authenticate(request);
      const { id } = await getJob(access, request.params.id);
      const { key, answer } = request.body;
      await queue.transaction((scope) => queue.answer(scope, id, { key, answer, by: personOf(access) }));
      return reply
        .code(202)
        .header("location", `/api/jobs/${id}`)
        .send(toJob(await getJob(access, id)));
    },
  );
}

/** The same with what they were given, gave and went through, from copies where such are kept: see `Queue.look`. */
function jobLooker({ installation }: RouteParts) {
  return async (access: Access, id: string) => {
    const seen = await installation.queue.look(id);
    if (seen === undefined || !maySee(access, seen.job.owner)) throw jobNotFound(id);
    return seen;
  };
}

/** Finds jobs that somebody may see. Others' jobs are not found, as if there were none. */
function jobReader({ installation }: RouteParts) {
  return async (access: Access, id: string): Promise<JobRecord> => {
    const [job] = await findJobs(installation.database.queryable, [id]);
    if (job === undefined || !maySee(access, job.owner)) throw jobNotFound(id);
    return job;
  };
}
