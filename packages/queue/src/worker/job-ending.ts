/**
 * What a handler throws to end in another way than failing: a snooze (later, not counted), a
 * retry-after (later, counted, at a time of its choosing), or a cancel (never again).
 */
export class JobEnding extends Error {
  readonly ending:
    | { readonly kind: "snooze"; readonly delayMs: number }
    | { readonly kind: "retry_after"; readonly delayMs: number; readonly code: string }
    | { readonly kind: "cancel" };

  constructor(ending: JobEnding["ending"], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "JobEnding";
    this.ending = ending;
  }
}

/** Throw this to free the slot and run again later; the attempt is not counted. */
export function snooze(delayMs: number, message: string): JobEnding {
  return new JobEnding({ kind: "snooze", delayMs }, message);
}

/** Throw this to fail the attempt and choose when the next one comes. */
export function retryAfter(options: {
  delayMs: number;
  code: string;
  message: string;
  cause?: unknown;
}): JobEnding {
  return new JobEnding(
    { kind: "retry_after", delayMs: options.delayMs, code: options.code },
    options.message,
    options.cause,
  );
}

/** Throw this to end the job as cancelled. */
export function cancelThisJob(message: string): JobEnding {
  return new JobEnding({ kind: "cancel" }, message);
}
