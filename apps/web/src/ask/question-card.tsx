import type { Question, QuestionState } from "@millrace/contracts";
import { ActionIcon, Button, Progress, Skeleton } from "@mantine/core";
import IconCircleCheck from "@tabler/icons-react/dist/esm/icons/IconCircleCheck.mjs";
import IconCircleX from "@tabler/icons-react/dist/esm/icons/IconCircleX.mjs";
import IconClock from "@tabler/icons-react/dist/esm/icons/IconClock.mjs";
import IconLoader2 from "@tabler/icons-react/dist/esm/icons/IconLoader2.mjs";
import IconPlayerStop from "@tabler/icons-react/dist/esm/icons/IconPlayerStop.mjs";
import IconRefresh from "@tabler/icons-react/dist/esm/icons/IconRefresh.mjs";
import IconTrash from "@tabler/icons-react/dist/esm/icons/IconTrash.mjs";
import IconZoomQuestion from "@tabler/icons-react/dist/esm/icons/IconZoomQuestion.mjs";
import { Badge } from "../feedback/badge.tsx";
import type { BadgeTone } from "../feedback/badge.tsx";
import { CopyButton } from "../feedback/copy.tsx";
import { Notice } from "../feedback/notice.tsx";
import { Moment } from "../formatting/moment.tsx";
import { countOf } from "../formatting/numbers.ts";
import { putOffWords } from "../jobs/put-off-words.ts";
import { Answer } from "./answer.tsx";
import { isOver } from "./ask-live.ts";
import classes from "./question-card.module.css";
import { useAskAgain, useCancelQuestion, useDeleteQuestion, useQuestionNews } from "./use-questions.ts";

type Look = { tone: BadgeTone; icon: typeof IconClock; label: string };

const looks: Record<QuestionState, Look> = {
  queued: { tone: "quiet", icon: IconClock, label: "Waiting" },
  processing: { tone: "accent", icon: IconLoader2, label: "Working" },
  completed: { tone: "good", icon: IconCircleCheck, label: "Answered" },
  failed: { tone: "bad", icon: IconCircleX, label: "Failed" },
  cancelled: { tone: "quiet", icon: IconPlayerStop, label: "Cancelled" },
};
const notFound: Look = { tone: "quiet", icon: IconZoomQuestion, label: "Not found" };

/** One question: what is being done, and what was answered. */
export function QuestionCard({ question }: { question: Question }) {
  const headingId = `question-${question.id}`;
  const again = useAskAgain();
  const removal = useDeleteQuestion();
  return (
    <li>
      <article className={classes.card} aria-labelledby={headingId} aria-busy={!isOver(question)}>
        <header className={classes.cardHead}>
          <h3 id={headingId} className={classes.question}>
            {question.question}
          </h3>
          <div className={classes.actions}>
            {question.outcome === "answered" && question.answer !== null ? (
              <CopyButton text={question.answer} label="Copy the answer" />
            ) : null}
            {isOver(question) ? (
              <ActionIcon
                variant="subtle"
                color="gray"
                size="md"
                aria-label={`Ask again: ${question.question}`}
                title="Ask again"
                loading={again.isPending}
                onClick={() => again.mutate(question)}
              >
                <IconRefresh size={16} />
              </ActionIcon>
            ) : null}
            <ActionIcon
              variant="subtle"
              color="gray"
              size="md"
              aria-label={`Delete ${question.question}`}
              title="Delete"
              loading={removal.isPending}
              onClick={() => removal.mutate(question)}
            >
              <IconTrash size={16} />
            </ActionIcon>
          </div>
        </header>
        <Facts question={question} />
        <Body question={question} />
      </article>
    </li>
  );
}

function Facts({ question }: { question: Question }) {
  const { state, outcome, model, extractive, passages_read: read, document_ids: ids } = question;
  const { tone, icon: Icon, label } = outcome === "not_found" ? notFound : looks[state];
  const name = extractive ? "Built-in, quotes" : model?.slice(model.indexOf(":") + 1);
  return (
    <p className={classes.facts}>
      <Badge tone={tone} icon={<Icon size={15} stroke={2} />} isTurning={state === "processing"}>
        {label}
      </Badge>
      <span>
        <Moment value={question.created_at} />
      </span>
      {ids === null ? null : <span>in {countOf(ids.length, "document")}</span>}
      {read === null || read === 0 ? null : <span>{countOf(read, "passage")} read</span>}
      {model === null ? null : (
        <span
          className={classes.model}
          title={extractive ? `${model}: quotes sentences of the documents, does not write` : model}
        >
          {name}
        </span>
      )}
    </p>
  );
}

function Body({ question }: { question: Question }) {
  if (!isOver(question)) return <Work question={question} />;
  if (question.state === "completed") return <Answer question={question} />;
  return (
    <>
      {question.partial_answer === null ? null : (
        <div className={classes.partial}>
          <p className={classes.note}>
            Written until then. It was not finished, and nothing of it was checked:
          </p>
          <p className={classes.answer}>{question.partial_answer}</p>
        </div>
      )}
      {question.state === "cancelled" ? null : (
        <Notice tone="bad" icon={<IconCircleX size={18} />}>
          <p>{question.error ?? "It could not be answered."}</p>
        </Notice>
      )}
    </>
  );
}

function Work({ question }: { question: Question }) {
  const news = useQuestionNews(question);
  const cancellation = useCancelQuestion();
  const { put_off: putOff, progress } = question;
  const waiting = progress?.message ?? "Waiting for a free worker";
  return (
    <>
      {news.written === "" ? (
        <Skeleton height={13} width="92%" className={classes.skeleton} />
      ) : (
        <p className={classes.answer}>
          {news.written}
          <span className={classes.cursor} aria-hidden="true" />
        </p>
      )}
      <div className={classes.work}>
        <div className={classes.progress}>
          <Progress.Root size={6} className={classes.bar}>
            <Progress.Section value={news.percent} aria-label={`Progress of ${question.question}`} />
          </Progress.Root>
          <p className={classes.note}>
            {putOff !== null
              ? putOffWords(putOff)
              : news.written === ""
                ? (news.message ?? waiting)
                : "Writing; its citations are looked up when it is done"}
          </p>
        </div>
        <Button
          size="compact-sm"
          variant="default"
          loading={cancellation.isPending}
          onClick={() => cancellation.mutate(question)}
        >
          Cancel
        </Button>
      </div>
    </>
  );
}
