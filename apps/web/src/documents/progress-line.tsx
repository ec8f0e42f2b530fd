import type { Document } from "@millrace/contracts";
import { Progress } from "@mantine/core";
import { formatEta } from "../formatting/time.ts";
import classes from "./progress-line.module.css";
import { currentStageLabel } from "./stages.ts";

/** How far a running document is: bar, stage, per cent, time left. */
export function ProgressLine({ document }: { document: Document }) {
  const percent = Math.round(document.progress?.percent ?? 0);
  return (
    <div className={classes.line}>
      <Progress.Root size={6} className={classes.bar}>
        <Progress.Section value={percent} aria-label={`Progress of ${document.title}`} />
      </Progress.Root>
      <p className={classes.text}>{progressText(document)}</p>
    </div>
  );
}

/** "Summarising · 62 % · ~20 s", or what is being waited for. */
export function progressText(document: Document): string {
  if (document.status === "uploaded") return document.progress?.message ?? "Waiting for a free worker";
  const { progress } = document;
  if (progress === null) return "Starting";
  const eta = formatEta(progress.eta_seconds);
  const stage = progress.message ?? currentStageLabel(document) ?? "Working";
  return [stage, `${Math.round(progress.percent)} %`, eta].filter((part) => part !== undefined).join(" · ");
}
