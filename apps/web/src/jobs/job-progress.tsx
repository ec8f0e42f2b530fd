import type { Progress as JobProgressValue } from "@millrace/contracts";
import { formatCount } from "../formatting/numbers.ts";
import { formatEta } from "../formatting/time.ts";
import { ProgressLine } from "../parts/progress-line.tsx";

/** How far a running job is: bar, per cent, what it says of itself, time left. */
export function JobProgress({ progress, label }: { progress: JobProgressValue; label: string }) {
  return (
    <ProgressLine percent={progress.percent} label={label} words={progressWords(progress).join(" · ")} />
  );
}

/** "62 %", "29 of 41 pages", "Summarising", "~20 s left": what is known of it. */
export function progressWords(progress: JobProgressValue): string[] {
  const { percent, done, total, unit, stage, message } = progress;
  const eta = formatEta(progress.eta_seconds);
  const counted =
    done === null
      ? undefined
      : [
          formatCount(done),
          ...(total === null ? [] : ["of", formatCount(total)]),
          ...(unit === null ? [] : [unit]),
        ].join(" ");
  const words = [
    `${Math.round(percent)} %`,
    counted,
    message ?? stage?.replaceAll("_", " "),
    eta === undefined ? undefined : `${eta} left`,
  ];
  return words.filter((word) => word !== undefined);
}
