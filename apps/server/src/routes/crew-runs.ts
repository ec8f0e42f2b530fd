import {
  answerCrewRunSchema,
  crewRunDetailSchema,
  crewRunListQuerySchema,
  crewRunSchema,
  idSchema,
  isTerminal,
  pageSchema,
  replayCrewRunSchema,
} from "@millrace/contracts";
import { z } from "zod";
import { parseIdempotencyKey, parsePrefer, preferenceApplied } from "../http/index.ts";
import { personOf } from "./on-behalf.ts";
import { readCursor, toPage } from "./pages.ts";
import type { RouteParts } from "./route-parts.ts";
import { sendRun } from "./send-run.ts";
import { asRefusal } from "./tasks.ts";
import type { TypedApp } from "./typed-app.ts";
import { waitSignal } from "./wait-signal.ts";

const params = z.object({ id: idSchema });
const tags = ["Crews"];

/** `/api/crew-runs`: runs of crews, whatever crew. */
export function crewRunRoutes(app: TypedApp, parts: RouteParts): void {
  readRoutes(app, parts);
  fileRoute(app, parts);
  actionRoutes(app, parts);
}

function readRoutes(app: TypedApp, { installation, access: { authenticate }, stopping }: RouteParts): void {
  const { crewRuns } = installation;
  app.get(
    "/api/crew-runs",
    {
      schema: {
        tags,
        summary: "Runs of all crews, newest first",
        querystring: crewRunListQuerySchema,
        response: { 200: pageSchema(crewRunSchema) },
      },
    },
    async (request) => {
      const { limit, cursor, state } = request.query;
      const filter = { state, before: readCursor(cursor), limit: limit + 1 };
      return toPage(await crewRuns.list(await authenticate(request), filter), limit);
    },
  );
  app.get(
    "/api/crew-runs/:id",
    {
      config: { heeds: ["prefer"] },
      schema: {
        tags,
        summary: "One run with its tasks, result and files; `Prefer: wait=N` waits for its end",
        params,
        response: { 200: crewRunDetailSchema },
      },
    },
    async (request, reply) => {
      const access = await authenticate(request);
      const { waitSeconds = 0 } = parsePrefer(request.headers.prefer);
      if (waitSeconds > 0) void reply.header("preference-applied", preferenceApplied(waitSeconds));
      const { id } = request.params;
      const waiting = { timeoutMs: waitSeconds * 1000, signal: waitSignal(reply, stopping) };
      const run = await (waitSeconds === 0
        ? crewRuns.get(access, id)
        : crewRuns.waitForEnd(access, id, waiting));
      if (!isTerminal(run.state)) void reply.header("retry-after", "1");
      return run;
    },
  );
}

function fileRoute(app: TypedApp, { installation, access }: RouteParts): void {
  app.get(
    "/api/crew-runs/:id/files/*",
    {
      schema: {
        tags,
        summary: "The text of a file that the run wrote",
        params: z.object({ id: idSchema, "*": z.string().max(255) }),
        produces: ["text/plain"],
      },
    },
    async (request, reply) => {
      const { id, "*": path } = request.params;
      const text = await installation.crewRuns.file(await access.authenticate(request), id, path);
      // As text whatever it is called: what models write is not run in anybody's browser.
      return reply.type("text/plain; charset=utf-8").header("x-content-type-options", "nosniff").send(text);
    },
  );
}

function actionRoutes(app: TypedApp, parts: RouteParts): void {
  const { crewRuns } = parts.installation;
  const { authenticate } = parts.access;
  app.post(
    "/api/crew-runs/:id/answer",
    {
      schema: {
        tags,
        summary: "Accept the output that a run asks about, or say what has to change",
        params,
        body: answerCrewRunSchema,
        response: { 202: crewRunSchema },
      },
    },
    async (request, reply) => {
      const access = await authenticate(request);
      const given = { ...request.body, by: personOf(access) };
      const run = await crewRuns.answer(access, request.params.id, given);
      return reply.code(202).header("location", run.links.self).send(run);
    },
  );
  app.post(
    "/api/crew-runs/:id/cancel",
    {
      schema: { tags, summary: "Cancel a run, whatever its state", params, response: { 202: crewRunSchema } },
    },
    async (request, reply) => {
      const run = await crewRuns.cancel(await authenticate(request), request.params.id);
      return reply.code(202).header("location", run.links.self).send(run);
    },
  );
  app.post(
    "/api/crew-runs/:id/replay",
    {
      config: { heeds: ["idempotency-key", "prefer"] },
      schema: {
        tags,
        summary: "A new run that begins at a task, with what the tasks before it came to in this one",
        params,
        body: replayCrewRunSchema,
        response: { 200: crewRunDetailSchema, 202: crewRunSchema },
      },
    },
    async (request, reply) => {
      const access = await authenticate(request);
      const idempotencyKey = parseIdempotencyKey(request.headers["idempotency-key"]);
      const { from_task: from } = request.body;
      const started = await crewRuns
        .replay(access, request.params.id, from, { idempotencyKey })
        .catch(asRefusal);
      return await sendRun(request, reply, parts, { access, started });
    },
  );
}
