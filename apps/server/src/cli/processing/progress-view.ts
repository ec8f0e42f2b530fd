import { documentEventSchemas } from "@millrace/contracts";
import type { DocumentUpdate } from "./processor.ts";

/** How far one file is, for people. */
export type FileProgress = {
  readonly name: string;
  readonly state: "sending" | "running" | "done" | "failed";
  readonly percent: number;
  readonly stage: string | null;
  readonly message: string;
};

/** One progress over several files. */
export type OverallProgress = { readonly files: number; readonly ended: number; readonly percent: number };

/** Adds up how far files are: those that ended count whole, however they ended. */
export class ProgressSum {
  readonly #files: number;
  readonly #percents = new Map<number, number>();
  #ended = 0;

  constructor(files: number) {
    this.#files = files;
  }

  change(index: number, { state, percent }: FileProgress): void {
    this.#percents.set(index, state === "done" || state === "failed" ? this.#end() : percent);
  }

  drop(index: number): void {
    this.#percents.set(index, this.#end());
  }

  /** Undefined for a single file: that says it itself. */
  get overall(): OverallProgress | undefined {
    if (this.#files < 2) return undefined;
    const sum = [...this.#percents.values()].reduce((total, percent) => total + percent, 0);
    return { files: this.#files, ended: this.#ended, percent: sum / this.#files };
  }

  #end(): number {
    this.#ended += 1;
    return 100;
  }
}

/** The line that people see: `3 of 8 files, 41 %`. */
export function overallText({ files, ended, percent }: OverallProgress): string {
  return `${ended} of ${files} files, ${Math.floor(percent)} %`;
}

/** Tells people how the work goes on; never on standard output. */
export type ProgressView = {
  readonly change: (index: number, progress: FileProgress) => void;
  /** Forgets a file; what became of it is told elsewhere. */
  readonly drop: (index: number) => void;
  /** Runs what writes lines of its own, with nothing of the view in the way. */
  readonly aside: (write: () => void) => void;
  readonly close: () => void;
};

/** A view that shows nothing, for `--quiet`. */
export const silentView: ProgressView = {
  change: () => undefined,
  drop: () => undefined,
  aside: (write) => write(),
  close: () => undefined,
};

/** One line per change: for logs, pipes and terminals that can't draw. Of several files, one more when each ends. */
export function createLineView(stream: { write: (text: string) => unknown }, files: number): ProgressView {
  const lastLines = new Map<number, string>();
  const sum = new ProgressSum(files);
  let ended = 0;
  const tellOverall = (): void => {
    const { overall } = sum;
    if (overall === undefined || overall.ended === ended) return;
    ended = overall.ended;
    stream.write(`${overallText(overall)}\n`);
  };
  return {
    change: (index, progress) => {
      const line = lineOf(progress);
      if (lastLines.get(index) === line) return;
      lastLines.set(index, line);
      stream.write(`${line}\n`);
      sum.change(index, progress);
      tellOverall();
    },
    drop: (index) => {
      sum.drop(index);
      tellOverall();
    },
    aside: (write) => write(),
    close: () => undefined,
  };
}

function lineOf({ name, state, percent, stage, message }: FileProgress): string {
  if (state !== "running" || stage === null) return `${name}  ${message}`;
  return `${name}  ${stage} ${Math.round(percent)} %  ${message}`;
}

/** What an event changes in how far a file is. */
export function applyUpdate(progress: FileProgress, { type, data }: DocumentUpdate): FileProgress {
  switch (type) {
    case "document.queued": {
      const parsed = documentEventSchemas["document.queued"].safeParse(data);
      return parsed.success ? { ...progress, message: parsed.data.message } : progress;
    }
    case "document.progressed": {
      const parsed = documentEventSchemas["document.progressed"].safeParse(data);
      if (!parsed.success) return progress;
      const { percent, stage, message } = parsed.data;
      return {
        ...progress,
        state: "running",
        percent,
        stage: stage ?? progress.stage,
        message: message ?? progress.message,
      };
    }
    case "document.retry_scheduled": {
      const parsed = documentEventSchemas["document.retry_scheduled"].safeParse(data);
      if (!parsed.success) return progress;
      const { attempt, error, retry_in_seconds: seconds } = parsed.data;
      const message = `Attempt ${attempt} failed, next in ${Math.ceil(seconds)} s: ${error}`;
      return { ...progress, state: "running", message };
    }
    case "document.put_off": {
      const parsed = documentEventSchemas["document.put_off"].safeParse(data);
      if (!parsed.success) return progress;
      const { error, retry_in_seconds: seconds } = parsed.data;
      return { ...progress, state: "running", message: `Waits ${Math.ceil(seconds)} s: ${error}` };
    }
    default:
      return progress;
  }
}
