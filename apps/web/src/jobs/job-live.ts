import type { JobDetail, LogLine, Progress } from "@millrace/contracts";
import type { TopicEvent } from "../live/watched-topic.ts";
import type { AsksFor } from "../live/renewal-times.ts";
import { readLogLine } from "../logs/log-lines-of-events.ts";

/** What the socket has said of a job beyond the last answer of the API. */
export type JobNews = {
  /** The latest progress of the attempt under way; null when nothing was told of it yet. */
  readonly progress: Progress | null;
  readonly lines: readonly LogLine[];
};

export const noNews: JobNews = { progress: null, lines: [] };

/** Lines kept from events; older ones are at the API. */
const maxLiveLines = 500;

/** An attempt began, ended or is planned, whatever the stream is of. */
const stateChange =
  /\.(queued|started|put_off|retry_scheduled|waiting|answered|failed|cancelled|completed|succeeded|expired)$/;
/** What a model writes, piece by piece, is shown where it is asked for and not here. */
const writing = /\.text_written$/;

/**
 * Applies events of the job's stream, whichever stream that is. `asksFor`: what they told of beyond progress and
 * log, and the API is to be asked for.
 */
export function applyJobEvents(
  news: JobNews,
  events: readonly TopicEvent[],
): { readonly news: JobNews; readonly asksFor: AsksFor } {
  let { progress } = news;
  let asksFor: AsksFor = "nothing";
  const lines: LogLine[] = [];
  for (const event of events) {
    if (event.type.endsWith(".progressed")) progress = readProgress(event, progress);
    else if (event.type.endsWith(".logged")) {
      const line = readLogLine(event);
      if (line !== undefined) lines.push(line);
    } else if (stateChange.test(event.type)) {
      // What was told of the last attempt is over.
      progress = null;
      asksFor = "state";
    } else if (asksFor === "nothing" && !writing.test(event.type)) asksFor = "steps";
  }
  const all = lines.length === 0 ? news.lines : [...news.lines, ...lines].slice(-maxLiveLines);
  return { news: { progress, lines: all }, asksFor };
}

/** The progress to show: within an attempt it never goes back, so the higher one is the newer. */
export function progressOf(job: Pick<JobDetail, "state" | "progress">, news: JobNews): Progress {
  const { progress } = news;
  if (job.state !== "running" || progress === null) return job.progress;
  return progress.percent >= job.progress.percent ? progress : job.progress;
}

function readProgress(event: TopicEvent, before: Progress | null): Progress {
  const { data } = event;
  return {
    percent: number(data.percent) ?? before?.percent ?? 0,
    stage: text(data.stage),
    message: text(data.message),
    done: number(data.done),
    total: number(data.total),
    unit: text(data.unit),
    eta_seconds: number(data.eta_seconds),
  };
}

function text(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function number(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}
