import { hostname } from "node:os";
import type { Database } from "@millrace/database";
import { systemClock, toError } from "@millrace/kernel";
import type { Clock, Logger, Service } from "@millrace/kernel";
import { lookForAlarms, recordLook } from "@millrace/queue";
import type { AlarmReading, EventBus, LookResult } from "@millrace/queue";
import { OwnMeasures } from "./own-measures.ts";
import { alarmThresholds } from "./settings.ts";
import type { AlarmSettings } from "./settings.ts";
import { tellWebhook } from "./webhook.ts";

const probeEveryMs = 2_000;
/** The embedded database shares its machine, and its one connection, with all the work there is. */
const defaultP95Ms = { embedded: 250, postgres: 50 } as const;
/** Also when this process looks less often: what another one has raised, and what is to be tried again. */
const tellEveryMs = 5_000;

export type AlarmWatchParts = {
  readonly database: Database;
  readonly bus: EventBus;
  readonly logger: Logger;
  readonly settings: AlarmSettings;
  /** What is looked for beside queues, workers and the database. Default nothing. */
  readonly readings?: readonly AlarmReading[];
  readonly clock?: Clock;
};

/**
 * The alarms of one process: it measures itself, takes its turns to look for all, and tells the log, those
 * who watch the monitor, and the webhook. Every process may run one; whatever fails is logged, and tried
 * again with the next look.
 */
export function createAlarmWatch(parts: AlarmWatchParts): Service {
  const { database, logger, settings, clock = systemClock } = parts;
  const stopping = new AbortController();
  const { signal } = stopping;
  const place = `${hostname()}/${process.pid}`;
  const p95Ms = settings.ALARM_DATABASE_P95_MS ?? defaultP95Ms[database.kind];
  const measures = new OwnMeasures({ database, clock, process: place, p95Ms });
  const look = createLook({ ...parts, measures, place });
  const { ALARM_WEBHOOK_URL: url, ALARM_WEBHOOK_SECRET: secret } = settings;
  const tell =
    url === undefined ? undefined : () => tellWebhook({ database, logger, clock, url, secret }, signal);
  const turns = [
    repeat({ name: "database probe", everyMs: probeEveryMs, run: () => measures.probe() }, logger),
    repeat({ name: "look for alarms", everyMs: settings.ALARM_LOOK_SECONDS * 1000, run: look }, logger),
    ...(tell === undefined
      ? []
      : [repeat({ name: "alarm webhook", everyMs: tellEveryMs, run: tell }, logger)]),
  ];
  return {
    name: "alarms",
    start: async () => turns.forEach((turn) => turn.start()),
    stop: async () => {
      stopping.abort();
      await Promise.all(turns.map((turn) => turn.stop()));
      measures.stop();
    },
  };
}

function createLook(
  parts: AlarmWatchParts & { readonly measures: OwnMeasures; readonly place: string },
): () => Promise<void> {
  const { database, logger, settings, measures, place, readings = [] } = parts;
  const off = settings.ALARM_OFF ?? [];
  const rules = {
    everyMs: settings.ALARM_LOOK_SECONDS * 1000,
    afterLooks: settings.ALARM_AFTER_LOOKS,
    tells: settings.ALARM_WEBHOOK_URL !== undefined,
  };
  const thresholds = alarmThresholds(settings);
  return async () => {
    const own = (await measures.find()).filter(({ kind }) => !off.includes(kind));
    report(parts, await recordLook(database.background, { process: place }, own, rules));
    const looked = await lookForAlarms(database, { ...rules, thresholds, off, readings, logger });
    if (looked !== undefined) report(parts, looked);
  };
}

function report(
  { bus, logger }: Pick<AlarmWatchParts, "bus" | "logger">,
  { raised, cleared }: LookResult,
): void {
  if (raised.length + cleared.length > 0) {
    bus.publishNotice({ topic: "monitor", owner: null, type: "alarm.changed", data: {} });
  }
  for (const { id, kind, subject, severity, message } of raised) {
    logger.warn({ alarm: id, kind, subject, severity }, `alarm raised: ${message}`);
  }
  for (const { id, kind, subject, raised_at, cleared_at } of cleared) {
    const seconds = Math.round(((cleared_at ?? raised_at).getTime() - raised_at.getTime()) / 1000);
    logger.info({ alarm: id, kind, subject, seconds }, `alarm cleared: ${kind} of ${subject}`);
  }
}

type Work = { readonly name: string; readonly everyMs: number; readonly run: () => Promise<void> };

/** Does the work again and again, each time a while after the time before has ended. */
function repeat({ name, everyMs, run }: Work, logger: Logger) {
  let timer: NodeJS.Timeout | undefined;
  let turn: Promise<void> = Promise.resolve();
  let isStopped = false;
  const schedule = (): void => {
    if (isStopped) return;
    timer = setTimeout(() => {
      turn = run()
        .catch((error: unknown) => {
          logger.warn({ err: toError(error), work: name }, "the watch for alarms failed this time");
        })
        .then(schedule);
    }, everyMs);
  };
  return {
    start: (): void => {
      if (timer === undefined) schedule();
    },
    stop: async (): Promise<void> => {
      isStopped = true;
      clearTimeout(timer);
      await turn;
    },
  };
}
