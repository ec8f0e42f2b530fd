import type { Document } from "@millrace/contracts";
import { Progress } from "@mantine/core";
import IconAlertTriangle from "@tabler/icons-react/dist/esm/icons/IconAlertTriangle.mjs";
import IconCheck from "@tabler/icons-react/dist/esm/icons/IconCheck.mjs";
import IconClock from "@tabler/icons-react/dist/esm/icons/IconClock.mjs";
import IconPlayerStop from "@tabler/icons-react/dist/esm/icons/IconPlayerStop.mjs";
import IconX from "@tabler/icons-react/dist/esm/icons/IconX.mjs";
import { Notice } from "../feedback/notice.tsx";
import { Moment } from "../formatting/moment.tsx";
import { formatDuration, formatEta } from "../formatting/time.ts";
import type { PlannedRetry } from "./document-view.ts";
import classes from "./stage-timeline.module.css";
import { stagesOf } from "./stages.ts";
import type { StageState } from "./stages.ts";
import { isSettled } from "./statuses.ts";

const stateWords: Record<StageState, string> = {
  done: "done",
  current: "in progress",
  waiting: "not yet",
  warning: "partly done",
  failed: "failed",
  cancelled: "cancelled",
};

/** The way of the document through its stages, live. */
export function StageTimeline({
  document,
  plannedRetry,
}: {
  document: Document;
  plannedRetry: PlannedRetry | null;
}) {
  const isActive = !isSettled(document);
  return (
    <section className={classes.card} aria-label="Progress">
      <ol className={classes.stages}>
        {stagesOf(document).map((stage) => (
          <li key={stage.key} className={classes.stage} data-state={stage.state}>
            <span className={classes.node} aria-hidden="true">
              <StageSign state={stage.state} />
            </span>
            <span className={classes.label}>
              {stage.label}
              <span className={classes.hidden}>: {stateWords[stage.state]}</span>
            </span>
            <span className={classes.detail}>
              {stage.key === "done" && stage.state === "done" ? workTime(document) : stage.detail}
            </span>
          </li>
        ))}
      </ol>
      {isActive ? <ActiveLine document={document} /> : null}
      {isActive && plannedRetry !== null ? (
        <Notice tone="warn" icon={<IconClock size={18} />} title={waitTitle(plannedRetry)}>
          {plannedRetry.error} It goes on by itself: <Moment value={plannedRetry.retryAt} />.
        </Notice>
      ) : null}
    </section>
  );
}

function waitTitle({ attempt }: PlannedRetry): string {
  return attempt === null ? "It waits" : `Attempt ${attempt} failed`;
}

function ActiveLine({ document }: { document: Document }) {
  const { progress } = document;
  const percent = Math.round(progress?.percent ?? 0);
  const eta = formatEta(progress?.eta_seconds ?? null);
  const counted =
    progress !== null && progress.done !== null && progress.total !== null
      ? `${progress.done} of ${progress.total}${progress.unit === null ? "" : ` ${progress.unit}`}`
      : undefined;
  const message =
    progress?.message ?? (document.status === "uploaded" ? "Waiting for a free worker" : "Starting");
  return (
    <div>
      <div className={classes.active}>
        <span className={classes.message}>{message}</span>
        <span className={classes.numbers}>
          {[counted, `${percent} %`, eta].filter((part) => part !== undefined).join(" · ")}
        </span>
      </div>
      <Progress.Root size={8} className={classes.bar}>
        <Progress.Section value={percent} aria-label="Processing" />
      </Progress.Root>
    </div>
  );
}

function StageSign({ state }: { state: StageState }) {
  switch (state) {
    case "done":
      return <IconCheck size={14} stroke={3} />;
    case "failed":
      return <IconX size={14} stroke={3} />;
    case "warning":
      return <IconAlertTriangle size={13} stroke={2.4} />;
    case "cancelled":
      return <IconPlayerStop size={12} stroke={2.4} />;
    case "current":
    case "waiting":
      return null;
  }
}

function workTime(document: Document): string | undefined {
  const { processing_started_at: startedAt, processing_completed_at: completedAt } = document;
  if (startedAt === null || completedAt === null) return undefined;
  return formatDuration(Date.parse(completedAt) - Date.parse(startedAt));
}
