import type { CreateSchedule, Schedule, UpdateSchedule } from "@millrace/contracts";
import { localText, momentOf } from "../formatting/date-field.ts";
import { readJson } from "../jobs/json-input.ts";
import { jsonText } from "../jobs/json-shape.ts";
import type { Timing } from "./schedule-requests.ts";
import { intervalOf } from "./schedule-words.ts";

const defaultGraceSeconds = 60;

export type ScheduleKind = Schedule["kind"];

/** What is in the fields of the form: texts as they are typed. */
export type ScheduleForm = {
  readonly name: string;
  readonly description: string;
  readonly task: string;
  readonly input: string;
  readonly kind: ScheduleKind;
  readonly cron: string;
  readonly timezone: string;
  readonly everyCount: string;
  /** The unit of the interval, in seconds. */
  readonly everyUnit: string;
  /** This and the next two as date fields give them: local time, as `2026-11-20T12:00`. */
  readonly at: string;
  readonly startAt: string;
  readonly endAt: string;
  readonly queue: string;
  readonly priority: string;
  readonly tags: string;
  readonly expiresSeconds: string;
  readonly jitterSeconds: string;
  readonly misfire: Schedule["misfire"];
  readonly graceSeconds: string;
  readonly overlap: Schedule["overlap"];
};

export function emptyForm(timezone: string): ScheduleForm {
  return {
    name: "",
    description: "",
    task: "",
    input: "{}",
    kind: "cron",
    cron: "0 3 * * *",
    timezone,
    everyCount: "15",
    everyUnit: "60",
    at: "",
    startAt: "",
    endAt: "",
    queue: "",
    priority: "",
    tags: "",
    expiresSeconds: "",
    jitterSeconds: "",
    misfire: "once",
    graceSeconds: "",
    overlap: "allow",
  };
}

export function formOf(schedule: Schedule): ScheduleForm {
  const interval = schedule.every_seconds === null ? undefined : intervalOf(schedule.every_seconds);
  return {
    name: schedule.name,
    description: schedule.description ?? "",
    task: schedule.task,
    input: jsonText(schedule.input),
    kind: schedule.kind,
    cron: schedule.cron ?? "",
    timezone: schedule.timezone,
    everyCount: interval === undefined ? "15" : String(interval.count),
    everyUnit: interval === undefined ? "60" : String(interval.unit),
    at: localText(schedule.at),
    startAt: localText(schedule.start_at),
    endAt: localText(schedule.end_at),
    queue: schedule.queue ?? "",
    priority: schedule.priority === null ? "" : String(schedule.priority),
    tags: schedule.tags.join(", "),
    expiresSeconds: schedule.expires_seconds === null ? "" : String(schedule.expires_seconds),
    jitterSeconds: schedule.jitter_seconds === 0 ? "" : String(schedule.jitter_seconds),
    misfire: schedule.misfire,
    graceSeconds: String(schedule.grace_seconds),
    overlap: schedule.overlap,
  };
}

/** The timing alone, for the preview; the kinds that were not chosen are null. */
export function timingOf(form: ScheduleForm): Timing {
  return {
    cron: form.kind === "cron" ? form.cron.trim() : null,
    ...(form.kind === "cron" && form.timezone.trim() !== "" ? { timezone: form.timezone.trim() } : {}),
    every_seconds:
      form.kind === "interval" ? (numberOf(form.everyCount) ?? 0) * Number(form.everyUnit) : null,
    at: form.kind === "once" ? momentOf(form.at) : null,
    start_at: momentOf(form.startAt),
    end_at: momentOf(form.endAt),
  };
}

/** Whether there is enough to ask when it would run. */
export function hasTiming(form: ScheduleForm): boolean {
  if (form.kind === "cron") return form.cron.trim() !== "";
  return form.kind === "interval" ? (numberOf(form.everyCount) ?? 0) > 0 : momentOf(form.at) !== null;
}

/** What to send, or why the typed input is no JSON. Everything else is for the server to judge. */
export function requestOf(
  form: ScheduleForm,
): { readonly request: CreateSchedule } | { readonly inputError: string } {
  const input = readJson(form.input);
  if ("error" in input) return { inputError: input.error };
  return {
    request: {
      ...timingOf(form),
      name: form.name.trim(),
      task: form.task,
      input: input.value,
      description: form.description.trim() === "" ? null : form.description.trim(),
      queue: form.queue.trim() === "" ? null : form.queue.trim(),
      priority: numberOf(form.priority) ?? null,
      expires_seconds: numberOf(form.expiresSeconds) ?? null,
      jitter_seconds: numberOf(form.jitterSeconds) ?? 0,
      tags: form.tags
        .split(",")
        .map((tag) => tag.trim())
        .filter((tag) => tag !== ""),
      misfire: form.misfire,
      ...graceOf(form),
      overlap: form.overlap,
    },
  };
}

/** What of a request is not as the form was when it was opened: the rest stays as others may have made it meanwhile. */
export function changesOf(opened: ScheduleForm, request: CreateSchedule): UpdateSchedule {
  const before = requestOf(opened);
  const known: UpdateSchedule = "request" in before ? before.request : {};
  const { cron, every_seconds, at, ...rest } = request;
  const times = { cron, every_seconds, at };
  const { cron: formerCron, every_seconds: formerEvery, at: formerAt } = known;
  const haveStayed = isSame(times, { cron: formerCron, every_seconds: formerEvery, at: formerAt });
  const changed = Object.entries(rest).filter(([name, value]) => !isSame(value, Reflect.get(known, name)));
  // The kinds go together: one that is new takes the place of the others.
  return { ...(haveStayed ? {} : times), ...Object.fromEntries(changed) };
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** Only with `skip` it means anything and is shown. An empty field is the server's default. */
function graceOf({ misfire, graceSeconds }: ScheduleForm): { grace_seconds?: number } {
  return misfire === "skip" ? { grace_seconds: numberOf(graceSeconds) ?? defaultGraceSeconds } : {};
}

function numberOf(text: string): number | undefined {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  return Number.isFinite(value) ? value : undefined;
}
