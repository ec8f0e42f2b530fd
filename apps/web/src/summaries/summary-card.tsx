import type { Summary, SummaryState } from "@millrace/contracts";
import { ActionIcon, Button, Progress, Skeleton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import IconCircleCheck from "@tabler/icons-react/dist/esm/icons/IconCircleCheck.mjs";
import IconCircleX from "@tabler/icons-react/dist/esm/icons/IconCircleX.mjs";
import IconClock from "@tabler/icons-react/dist/esm/icons/IconClock.mjs";
import IconCopyCheck from "@tabler/icons-react/dist/esm/icons/IconCopyCheck.mjs";
import IconLoader2 from "@tabler/icons-react/dist/esm/icons/IconLoader2.mjs";
import IconPlayerStop from "@tabler/icons-react/dist/esm/icons/IconPlayerStop.mjs";
import IconTrash from "@tabler/icons-react/dist/esm/icons/IconTrash.mjs";
import { useState } from "react";
import { problemText } from "../api/problem.ts";
import { Badge } from "../feedback/badge.tsx";
import type { BadgeTone } from "../feedback/badge.tsx";
import { CopyButton } from "../feedback/copy.tsx";
import { Notice } from "../feedback/notice.tsx";
import { Moment } from "../formatting/moment.tsx";
import { formatCount } from "../formatting/numbers.ts";
import { putOffWords } from "../jobs/put-off-words.ts";
import { DeleteSummaryDialog } from "./delete-summary-dialog.tsx";
import classes from "./summary-card.module.css";
import { summaryKeys } from "./summary-keys.ts";
import { isOver } from "./summary-live.ts";
import { fetchSummary } from "./summary-requests.ts";
import { useCancelSummary, useSummariseAnew, useSummaryNews } from "./use-summaries.ts";

const looks: Record<SummaryState, { tone: BadgeTone; icon: typeof IconClock; label: string }> = {
  queued: { tone: "quiet", icon: IconClock, label: "Waiting" },
  processing: { tone: "accent", icon: IconLoader2, label: "Working" },
  completed: { tone: "good", icon: IconCircleCheck, label: "Done" },
  failed: { tone: "bad", icon: IconCircleX, label: "Failed" },
  cancelled: { tone: "quiet", icon: IconPlayerStop, label: "Cancelled" },
};

/** One summary: what is being done, what came out, and the text it is made of. */
export function SummaryCard({ summary }: { summary: Summary }) {
  const [isDeleting, setIsDeleting] = useState(false);
  const headingId = `summary-${summary.id}`;
  return (
    <li>
      <article className={classes.card} aria-labelledby={headingId} aria-busy={!isOver(summary)}>
        <header className={classes.head}>
          <h3 id={headingId} className={classes.title}>
            {summary.title}
          </h3>
          <div className={classes.actions}>
            {summary.result === null ? null : <CopyButton text={summary.result} label="Copy the summary" />}
            <ActionIcon
              variant="subtle"
              color="gray"
              size="md"
              aria-label={`Delete ${summary.title}`}
              title="Delete"
              onClick={() => setIsDeleting(true)}
            >
              <IconTrash size={16} />
            </ActionIcon>
          </div>
        </header>
        <Facts summary={summary} />
        <SummaryBody summary={summary} />
        <SourceText id={summary.id} label="The text" />
      </article>
      <DeleteSummaryDialog summary={summary} isOpen={isDeleting} onClose={() => setIsDeleting(false)} />
    </li>
  );
}

function Facts({ summary }: { summary: Summary }) {
  const { state, model, extractive, text_length: length, created_at: createdAt } = summary;
  const { tone, icon: Icon, label } = looks[state];
  const name = extractive ? "Built-in, extractive" : model?.slice(model.indexOf(":") + 1);
  return (
    <p className={classes.facts}>
      <Badge tone={tone} icon={<Icon size={15} stroke={2} />} isTurning={state === "processing"}>
        {label}
      </Badge>
      <span>
        <Moment value={createdAt} />
      </span>
      <span>{formatCount(length)} characters</span>
      {model === null ? null : (
        <span
          className={classes.model}
          title={extractive ? `${model}: picks sentences from the text, does not write` : model}
        >
          {name}
        </span>
      )}
    </p>
  );
}

function SummaryBody({ summary }: { summary: Summary }) {
  if (!isOver(summary)) return <Work summary={summary} />;
  if (summary.state === "completed")
    return (
      <>
        <p className={classes.result}>{summary.result}</p>
        {summary.reused_from === null ? null : <Reused summary={summary} />}
      </>
    );
  if (summary.state === "cancelled") return null;
  return (
    <Notice tone="bad" icon={<IconCircleX size={18} />}>
      <p>{summary.error ?? "It could not be made."}</p>
    </Notice>
  );
}

function Work({ summary }: { summary: Summary }) {
  const news = useSummaryNews(summary);
  const cancellation = useCancelSummary();
  const { put_off: putOff, progress } = summary;
  const waiting = progress?.message ?? "Waiting for a free worker";
  return (
    <>
      {news.written === "" ? (
        <Skeleton height={13} width="92%" className={classes.skeleton} />
      ) : (
        <p className={classes.result}>
          {news.written}
          <span className={classes.cursor} aria-hidden="true" />
        </p>
      )}
      <div className={classes.work}>
        <div className={classes.progress}>
          <Progress.Root size={6} className={classes.bar}>
            <Progress.Section value={news.percent} aria-label={`Progress of ${summary.title}`} />
          </Progress.Root>
          <p className={classes.message}>
            {putOff === null ? (news.message ?? waiting) : putOffWords(putOff)}
          </p>
        </div>
        <Button
          size="compact-sm"
          variant="default"
          loading={cancellation.isPending}
          onClick={() => cancellation.mutate(summary)}
        >
          Cancel
        </Button>
      </div>
    </>
  );
}

function Reused({ summary }: { summary: Summary }) {
  const anew = useSummariseAnew();
  const { summary_id: id, score } = summary.reused_from ?? { summary_id: "", score: 1 };
  // Never 100 % for what is not the same.
  const percent = Math.floor(score * 1000) / 10;
  return (
    <Notice
      tone="plain"
      icon={<IconCopyCheck size={18} />}
      action={
        <Button
          size="compact-sm"
          variant="default"
          loading={anew.isPending}
          onClick={() => anew.mutate(summary)}
        >
          Make a new one
        </Button>
      }
    >
      {score === 1 ? (
        <p>The same text was summarised before (100 % agreement): this is that summary.</p>
      ) : (
        <>
          <p>
            A text that is nearly the same was summarised before ({percent} % agreement): this is its summary.
          </p>
          <SourceText id={id} label="The other text" />
        </>
      )}
    </Notice>
  );
}

function SourceText({ id, label }: { id: string; label: string }) {
  const [isOpen, setIsOpen] = useState(false);
  const source = useQuery({
    queryKey: summaryKeys.text(id),
    queryFn: ({ signal }) => fetchSummary(id, signal),
    enabled: isOpen,
    // A text never changes.
    staleTime: Infinity,
  });
  return (
    <details className={classes.source} onToggle={(event) => setIsOpen(event.currentTarget.open)}>
      <summary>{label}</summary>
      {source.isError ? (
        <p className={classes.message}>{problemText(source.error)}</p>
      ) : source.data === undefined ? (
        <Skeleton height={13} width="80%" />
      ) : (
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls must be reachable by keyboard
        <p className={classes.text} tabIndex={0}>
          {source.data.text}
        </p>
      )}
    </details>
  );
}
