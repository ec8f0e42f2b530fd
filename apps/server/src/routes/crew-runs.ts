import {
  answerCrewRunSchema,
  crewNameSchema,
  crewRunDetailSchema,
  crewRunListQuerySchema,
  crewRunSchema,
  idSchema,
  isTerminal,
  pageSchema,
  replayCrewRunSchema,
} from "@millrace/contracts";
import type { RunReference } from "@millrace/crews";
import { z } from "zod";
import { parseIdempotencyKey } from "../http/index.ts";
import { personOf } from "./on-behalf.ts";
import { readCursor, toPage } from "./pages.ts";
import type { RouteParts } from "./route-parts.ts";
import { sendRun } from "./send-run.ts";
import { asRefusal } from "./tasks.ts";
import type { TypedApp } from "./typed-app.ts";
import { preferredWait } from "./preferred-wait.ts";

type RunParams = { readonly id: string; readonly name?: string | undefined };

/** Where one run is. */
type RunHome = {
  readonly path: `/api/${string}/:id`;
  readonly params: z.ZodType<RunParams>;
  /** Only reading is described there. */
  readonly isById?: boolean;
};

/** The first is what links name. */
export const runHomes: readonly RunHome[] = [
  { path: "/api/crews/:name/runs/:id", params: z.object({ name: crewNameSchema, id: idSchema }) },
  // For those who know no more than the id. What clients of before call there goes on to answer.
  { path: "/api/crew-runs/:id", params: z.object({ id: idSchema }), isById: true },
];
const tags = ["Crews"];

const runOf = ({ id, name }: RunParams): RunReference => ({ id, crew: name });

/** `/api/crews/{name}/runs/{id}`: one run; and `/api/crew-runs`: runs, whatever crew. */
export function crewRunRoutes(app: TypedApp, parts: RouteParts): void {
  listRoute(app, parts);
  for (const home of runHomes) {
    readRoute(app, parts, home);
    fileRoute(app, parts, home);
    actionRoutes(app, parts, home);
  }
}

function listRoute(app: TypedApp, { installation, access: { authenticate } }: RouteParts): void {
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
      return toPage(await installation.crewRuns.list(await authenticate(request), filter), limit);
    },
  );
}

function readRoute(
  app: TypedApp,
  { installation, access: { authenticate }, stopping }: RouteParts,
  { path, params }: RunHome,
): void {
  const { crewRuns } = installation;
  app.get(
    path,
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
      const wait = preferredWait(request, reply, stopping);
      const asked = runOf(request.params);
      const run = await (wait === undefined
        ? crewRuns.get(access, asked)
        : crewRuns.waitForEnd(access, asked, wait));
      if (!isTerminal(run.state)) void reply.header("retry-after", "1");
      return run;
    },
  );
}

function fileRoute(
  app: TypedApp,
  { installation, access }: RouteParts,
  { path: home, params, isById: hide = false }: RunHome,
): void {
  app.get(
    `${home}/files/*`,
    {
      schema: {
        tags,
        hide,
        summary: "The text of a file that the run wrote",
        params: params.and(z.object({ "*": z.string().max(255) })),
        produces: ["text/plain"],
      },
    },
    async (request, reply) => {
      const { "*": path, ...run } = request.params;
      const asked = await access.authenticate(request);
      const text = await installation.crewRuns.file(asked, runOf(run), path);
      // As text whatever it is called: what models write is not run in anybody's browser.
      return reply.type("text/plain; charset=utf-8").header("x-content-type-options", "nosniff").send(text);
    },
  );
}

function actionRoutes(
  app: TypedApp,
  parts: RouteParts,
  { path, params, isById: hide = false }: RunHome,
): void {
  const { crewRuns } = parts.installation;
  const { authenticate } = parts.access;
  app.post(
    `${path}/answer`,
    {
      schema: {
        tags,
        hide,
        summary: "Accept the output that a run asks about, or say what has to change",
        params,
        body: answerCrewRunSchema,
        response: { 202: crewRunSchema },
      },
    },
    async (request, reply) => {
      const access = await authenticate(request);
      const given = { ...request.body, by: personOf(access) };
      const run = await crewRuns.answer(access, runOf(request.params), given);
      return reply.code(202).header("location", run.links.self).send(run);
    },
  );
  app.post(
    `${path}/cancel`,
    {
      schema: {
        tags,
        hide,
        summary: "Cancel a run, whatever its state",
        params,
        response: { 202: crewRunSchema },
      },
    },
    async (request, reply) => {
      const run = await crewRuns.cancel(await authenticate(request), runOf(request.params));
      return reply.code(202).header("location", run.links.self).send(run);
    },
  );
  app.post(
    `${path}/replay`,
    {
      config: { heeds: ["idempotency-key", "prefer"] },
      schema: {
        tags,
        hide,
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
        .replay(access, runOf(request.params), from, { idempotencyKey })
        .catch(asRefusal);
      return await sendRun(request, reply, parts, { access, started });
    },
  );
}
