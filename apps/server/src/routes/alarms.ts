import {
  alarmListQuerySchema,
  alarmSchema,
  alarmSummarySchema,
  alarmTestSchema,
  idSchema,
  pageSchema,
} from "@millrace/contracts";
import { acknowledgeAlarm, getAlarm, listAlarms, summarizeAlarms, toAlarm } from "@millrace/queue";
import { systemClock } from "@millrace/kernel";
import { z } from "zod";
import { webhookNotSet } from "../alarms/errors.ts";
import { tryWebhook } from "../alarms/webhook.ts";
import { personOf } from "./on-behalf.ts";
import { readCursor, toPage } from "./pages.ts";
import type { RouteParts } from "./route-parts.ts";
import type { TypedApp } from "./typed-app.ts";

const params = z.object({ id: idSchema });
const tags = ["Alarms"];

/** `/api/alarms` and everything below it. Alarms are of the whole installation, whoever asks. */
export function alarmRoutes(app: TypedApp, { installation, access, settings, stopping }: RouteParts): void {
  const { database, queue } = installation;

  app.get(
    "/api/alarms",
    {
      schema: {
        tags,
        summary: "List alarms, newest first",
        querystring: alarmListQuerySchema,
        response: { 200: pageSchema(alarmSchema) },
      },
    },
    async (request) => {
      await access.authenticate(request);
      const { limit, cursor, ...filter } = request.query;
      const before = readCursor(cursor);
      const rows = await listAlarms(database.queryable, { ...filter, before, limit: limit + 1 });
      return toPage(rows.map(toAlarm), limit);
    },
  );

  app.get(
    "/api/alarms/summary",
    { schema: { tags, summary: "How many alarms are open", response: { 200: alarmSummarySchema } } },
    async (request) => {
      await access.authenticate(request);
      return await summarizeAlarms(database.queryable);
    },
  );

  app.post(
    "/api/alarms/test",
    {
      schema: {
        tags,
        summary: "Send the webhook a message that tells of no alarm; one that answers is called again",
        response: { 200: alarmTestSchema },
      },
    },
    async (request) => {
      await access.authenticate(request);
      const { ALARM_WEBHOOK_URL: url, ALARM_WEBHOOK_SECRET: secret } = settings;
      if (url === undefined) throw webhookNotSet();
      const problem = await tryWebhook({ database, clock: systemClock, url, secret }, stopping);
      return { delivered: problem === undefined, problem: problem ?? null };
    },
  );

  app.get(
    "/api/alarms/:id",
    { schema: { tags, summary: "One alarm", params, response: { 200: alarmSchema } } },
    async (request) => {
      await access.authenticate(request);
      return toAlarm(await getAlarm(database.queryable, request.params.id));
    },
  );

  app.post(
    "/api/alarms/:id/acknowledge",
    {
      schema: {
        tags,
        summary: "Say that somebody has seen an open alarm",
        params,
        response: { 200: alarmSchema },
      },
    },
    async (request) => {
      const by = personOf(await access.authenticate(request));
      const alarm = await acknowledgeAlarm(database, request.params.id, { by });
      queue.bus.publishNotice({ topic: "monitor", owner: null, type: "alarm.changed", data: {} });
      return toAlarm(alarm);
    },
  );
}
