import {
  createScheduleSchema,
  jobSchema,
  pageQuerySchema,
  pageSchema,
  pauseScheduleSchema,
  previewScheduleSchema,
  scheduleDetailSchema,
  scheduleListQuerySchema,
  schedulePreviewSchema,
  scheduleRunSchema,
  scheduleSchema,
  updateScheduleSchema,
} from "@millrace/contracts";
import type { Schedule, UpdateSchedule } from "@millrace/contracts";
import type { Access } from "@millrace/kernel";
import { kindOf, scheduleNotFound, toJob, toSchedule, toScheduleRun } from "@millrace/queue";
import type { ScheduleChanges, ScheduleRecord } from "@millrace/queue";
import { z } from "zod";
import { maySee, personOf } from "./on-behalf.ts";
import { readCursor, toPage } from "./pages.ts";
import type { RouteParts } from "./route-parts.ts";
import type { TypedApp } from "./typed-app.ts";

const params = z.object({ id: z.string().min(1).max(200).describe("The id of a schedule, or its name") });
const tags = ["Schedules"];
const shownRuns = 10;

/** `/api/schedules`: when jobs are made by themselves. */
export function scheduleRoutes(app: TypedApp, parts: RouteParts): void {
  listRoutes(app, parts);
  detailRoutes(app, parts);
  changeRoutes(app, parts);
  actionRoutes(app, parts);
}

function listRoutes(app: TypedApp, parts: RouteParts): void {
  const { schedules } = parts.installation.queue;
  const { authenticate } = parts.access;
  const show = shower(parts);

  app.get(
    "/api/schedules",
    {
      schema: {
        tags,
        summary: "List schedules, newest first: the product's own, the program's, and those made by hand",
        querystring: scheduleListQuerySchema,
        response: { 200: pageSchema(scheduleSchema) },
      },
    },
    async (request) => {
      const { workspaceId: owner } = await authenticate(request);
      const { limit, cursor, ...filter } = request.query;
      const rows = await schedules.list({ owner, ...filter, before: readCursor(cursor), limit: limit + 1 });
      return toPage(rows.map(show), limit);
    },
  );

  app.post(
    "/api/schedules",
    {
      schema: {
        tags,
        summary: "Make a schedule: exactly one of `cron`, `every_seconds` and `at` says when",
        body: createScheduleSchema,
        response: { 201: scheduleSchema },
      },
    },
    async (request, reply) => {
      const access = await authenticate(request);
      const { name, task } = request.body;
      const given = { ...toChanges(request.body), name, task, owner: access.workspaceId };
      const made = await schedules.create(given, { by: personOf(access) });
      return reply.code(201).header("location", `/api/schedules/${made.id}`).send(show(made));
    },
  );

  app.post(
    "/api/schedules/preview",
    {
      schema: {
        tags,
        summary: "When a schedule would run that is not made yet: its next ten times",
        body: previewScheduleSchema,
        response: { 200: schedulePreviewSchema },
      },
    },
    async (request) => {
      await authenticate(request);
      const changes = toChanges(request.body);
      const runs = await schedules.preview(changes);
      return { kind: kindOf(changes), next_runs: runs.map((run) => run.toISOString()) };
    },
  );
}

function detailRoutes(app: TypedApp, parts: RouteParts): void {
  const { schedules } = parts.installation.queue;
  const { authenticate } = parts.access;
  const getSchedule = scheduleReader(parts);
  const show = shower(parts);

  app.get(
    "/api/schedules/:id",
    {
      schema: {
        tags,
        summary: "One schedule with its next ten times and its last ten runs",
        params,
        response: { 200: scheduleDetailSchema },
      },
    },
    async (request) => {
      const schedule = await getSchedule(await authenticate(request), request.params.id);
      const [next, last] = await Promise.all([
        schedules.nextRuns(schedule.id),
        schedules.listRuns(schedule.id, { limit: shownRuns }),
      ]);
      return {
        ...show(schedule),
        next_runs: next.map((run) => run.toISOString()),
        last_runs: last.map(toScheduleRun),
      };
    },
  );

  app.get(
    "/api/schedules/:id/runs",
    {
      schema: {
        tags,
        summary: "What became of its times, newest first: the job of each, or why there is none",
        params,
        querystring: pageQuerySchema,
        response: { 200: pageSchema(scheduleRunSchema) },
      },
    },
    async (request) => {
      const { limit, cursor } = request.query;
      const { id } = await getSchedule(await authenticate(request), request.params.id);
      const rows = await schedules.listRuns(id, { before: readCursor(cursor), limit: limit + 1 });
      return toPage(rows.map(toScheduleRun), limit);
    },
  );
}

function changeRoutes(app: TypedApp, parts: RouteParts): void {
  const { schedules } = parts.installation.queue;
  const { authenticate } = parts.access;
  const getSchedule = scheduleReader(parts);
  const show = shower(parts);

  app.patch(
    "/api/schedules/:id",
    {
      schema: {
        tags,
        summary: "Change what is given; other times hold from now on, for all workers",
        params,
        body: updateScheduleSchema,
        response: { 200: scheduleSchema },
      },
    },
    async (request) => {
      const access = await authenticate(request);
      const { id } = await getSchedule(access, request.params.id);
      return show(await schedules.update(id, toChanges(request.body), { by: personOf(access) }));
    },
  );

  app.delete(
    "/api/schedules/:id",
    {
      schema: {
        tags,
        summary: "Delete one made by hand; its jobs stay. 409 for one that is declared: pause it",
        params,
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      const { id } = await getSchedule(await authenticate(request), request.params.id);
      await schedules.delete(id);
      return reply.code(204).send(null);
    },
  );
}

function actionRoutes(app: TypedApp, parts: RouteParts): void {
  const { schedules } = parts.installation.queue;
  const { authenticate } = parts.access;
  const getSchedule = scheduleReader(parts);
  const show = shower(parts);

  app.post(
    "/api/schedules/:id/pause",
    {
      schema: {
        tags,
        summary: "Let no time of it come until it is resumed",
        params,
        body: pauseScheduleSchema.nullish(),
        response: { 200: scheduleSchema },
      },
    },
    async (request) => {
      const access = await authenticate(request);
      const { id } = await getSchedule(access, request.params.id);
      const reason = request.body?.reason ?? null;
      return show(await schedules.pause(id, { by: personOf(access), reason }));
    },
  );

  app.post(
    "/api/schedules/:id/resume",
    {
      schema: {
        tags,
        summary: "Let it go on; what passed meanwhile is made up for as its `misfire` says",
        params,
        response: { 200: scheduleSchema },
      },
    },
    async (request) => {
      const access = await authenticate(request);
      const { id } = await getSchedule(access, request.params.id);
      return show(await schedules.resume(id, { by: personOf(access) }));
    },
  );

  app.post(
    "/api/schedules/:id/run",
    {
      schema: {
        tags,
        summary: "Make a job of it now, also while it is paused; its times stay",
        params,
        response: { 202: jobSchema },
      },
    },
    async (request, reply) => {
      const access = await authenticate(request);
      const { id } = await getSchedule(access, request.params.id);
      const job = await schedules.runNow(id, { by: personOf(access) });
      return reply.code(202).header("location", `/api/jobs/${job.id}`).send(toJob(job));
    },
  );
}

/** Finds schedules that somebody may see. Others' are not found, as if there were none. */
function scheduleReader({ installation }: RouteParts) {
  return async (access: Access, idOrName: string): Promise<ScheduleRecord> => {
    const schedule = await installation.queue.schedules.get(idOrName);
    if (!maySee(access, schedule.owner)) throw scheduleNotFound(idOrName);
    return schedule;
  };
}

function shower({ installation }: RouteParts) {
  const { schedules } = installation.queue;
  return (record: ScheduleRecord): Schedule => toSchedule(record, schedules.shownInput(record));
}

/** What a request gives, in the queue's words and units. */
function toChanges(given: UpdateSchedule): ScheduleChanges {
  return {
    name: given.name,
    description: given.description,
    task: given.task,
    input: given.input,
    cron: given.cron,
    timezone: given.timezone,
    everyMs: milliseconds(given.every_seconds),
    at: moment(given.at),
    startAt: moment(given.start_at),
    endAt: moment(given.end_at),
    jitterMs: given.jitter_seconds === undefined ? undefined : given.jitter_seconds * 1000,
    misfire: given.misfire,
    graceMs: given.grace_seconds === undefined ? undefined : given.grace_seconds * 1000,
    overlap: given.overlap,
    queue: given.queue,
    priority: given.priority,
    expiresInMs: milliseconds(given.expires_seconds),
    tags: given.tags,
  };
}

function milliseconds(seconds: number | null | undefined): number | null | undefined {
  return typeof seconds === "number" ? Math.round(seconds * 1000) : seconds;
}

function moment(text: string | null | undefined): Date | null | undefined {
  return typeof text === "string" ? new Date(text) : text;
}
