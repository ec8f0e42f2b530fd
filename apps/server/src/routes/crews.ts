import {
  crewNameSchema,
  crewRunDetailSchema,
  crewRunListQuerySchema,
  crewRunSchema,
  crewSchema,
  newCrewRunSchema,
  pageSchema,
} from "@millrace/contracts";
import { getCrewView, listCrewViews } from "@millrace/crews";
import { z } from "zod";
import { parseIdempotencyKey } from "../http/index.ts";
import { readCursor, toPage } from "./pages.ts";
import type { RouteParts } from "./route-parts.ts";
import { sendRun } from "./send-run.ts";
import { asRefusal } from "./tasks.ts";
import type { TypedApp } from "./typed-app.ts";

const params = z.object({ name: crewNameSchema });
const tags = ["Crews"];

/** `/api/crews`: the crews of the working folder, and asking them to run. */
export function crewRoutes(app: TypedApp, parts: RouteParts): void {
  const { crews, crewRuns } = parts.installation;
  const { authenticate } = parts.access;
  app.get(
    "/api/crews",
    {
      schema: {
        tags,
        summary: "Every crew by name, in one page; those that can't be used say why",
        response: { 200: pageSchema(crewSchema) },
      },
    },
    async (request) => {
      await authenticate(request);
      return { data: listCrewViews(crews), next_cursor: null, has_more: false };
    },
  );
  app.get(
    "/api/crews/:name",
    {
      schema: {
        tags,
        summary: "One crew with the inputs that it needs, its agents and tasks",
        params,
        response: { 200: crewSchema },
      },
    },
    async (request) => {
      await authenticate(request);
      const { name } = request.params;
      return getCrewView(crews, name);
    },
  );
  startRoute(app, parts);

  app.get(
    "/api/crews/:name/runs",
    {
      schema: {
        tags,
        summary: "Runs of a crew, newest first",
        params,
        querystring: crewRunListQuerySchema,
        response: { 200: pageSchema(crewRunSchema) },
      },
    },
    async (request) => {
      const access = await authenticate(request);
      const { limit, cursor, state } = request.query;
      const { name: crew } = request.params;
      const filter = { crew, state, before: readCursor(cursor), limit: limit + 1 };
      const runs = await crewRuns.list(access, filter);
      // Runs outlive their crew: their list is empty only when there never were any.
      if (runs.length === 0) getCrewView(crews, crew);
      return toPage(runs, limit);
    },
  );
}

function startRoute(app: TypedApp, parts: RouteParts): void {
  const { crewRuns } = parts.installation;
  app.post(
    "/api/crews/:name/runs",
    {
      config: { heeds: ["idempotency-key", "prefer"] },
      schema: {
        tags,
        summary: "Run a crew; `Prefer: wait=N` waits for its end",
        params,
        body: newCrewRunSchema,
        response: { 200: crewRunDetailSchema, 202: crewRunSchema },
      },
    },
    async (request, reply) => {
      const access = await parts.access.authenticate(request);
      const { inputs, priority, tags: given } = request.body;
      const idempotencyKey = parseIdempotencyKey(request.headers["idempotency-key"]);
      const options = { priority, tags: given, idempotencyKey };
      const started = await crewRuns.start(access, request.params.name, inputs, options).catch(asRefusal);
      return await sendRun(request, reply, parts, { access, started });
    },
  );
}
