import type { Summary, SummaryState } from "@millrace/contracts";
import { Button, Skeleton } from "@mantine/core";
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
import {
  CardAction,
  CardFacts,
  CardNote,
  WorkInProgress,
  WrittenCard,
  WrittenText,
} from "../parts/written-card.tsx";
import type { BadgeTone } from "../feedback/badge.tsx";
import { CopyButton } from "../feedback/copy.tsx";
import { Notice } from "../feedback/notice.tsx";
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
  const { title, result } = summary;
  return (
    <li>
      <WrittenCard
        id={`summary-${summary.id}`}
        title={title}
        isBusy={!isOver(summary)}
        actions={
          <>
            {result === null ? null : <CopyButton text={result} label="Copy the summary" />}
            <CardAction
              title="Delete"
              label={`Delete ${title}`}
              icon={<IconTrash size={16} />}
              onClick={() => setIsDeleting(true)}
            />
          </>
        }
      >
        <Facts summary={summary} />
        <SummaryBody summary={summary} />
        <SourceText id={summary.id} label="The text" />
      </WrittenCard>
      <DeleteSummaryDialog summary={summary} isOpen={isDeleting} onClose={() => setIsDeleting(false)} />
    </li>
  );
}

function Facts({ summary }: { summary: Summary }) {
  const { state, model, extractive } = summary;
  const { tone, icon: Icon, label } = looks[state];
  return (
    <CardFacts
      badge={{ tone, label, icon: <Icon size={15} stroke={2} />, isTurning: state === "processing" }}
      createdAt={summary.created_at}
      model={model}
      builtIn={
        extractive
          ? { name: "Built-in, extractive", meaning: "picks sentences from the text, does not write" }
          : undefined
      }
    >
      <span>{formatCount(summary.text_length)} characters</span>
    </CardFacts>
  );
}

function SummaryBody({ summary }: { summary: Summary }) {
  if (!isOver(summary)) return <Work summary={summary} />;
  if (summary.state === "completed")
    return (
      <>
        <WrittenText>{summary.result}</WrittenText>
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
    <WorkInProgress
      title={summary.title}
      written={news.written}
      percent={news.percent}
      message={putOff === null ? (news.message ?? waiting) : putOffWords(putOff)}
      isCancelling={cancellation.isPending}
      onCancel={() => cancellation.mutate(summary)}
    />
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
        <CardNote>{problemText(source.error)}</CardNote>
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
