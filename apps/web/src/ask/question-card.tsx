import type { Question, QuestionState } from "@millrace/contracts";
import IconCircleCheck from "@tabler/icons-react/dist/esm/icons/IconCircleCheck.mjs";
import IconCircleX from "@tabler/icons-react/dist/esm/icons/IconCircleX.mjs";
import IconClock from "@tabler/icons-react/dist/esm/icons/IconClock.mjs";
import IconLoader2 from "@tabler/icons-react/dist/esm/icons/IconLoader2.mjs";
import IconPlayerStop from "@tabler/icons-react/dist/esm/icons/IconPlayerStop.mjs";
import IconRefresh from "@tabler/icons-react/dist/esm/icons/IconRefresh.mjs";
import IconTrash from "@tabler/icons-react/dist/esm/icons/IconTrash.mjs";
import IconZoomQuestion from "@tabler/icons-react/dist/esm/icons/IconZoomQuestion.mjs";
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
  const again = useAskAgain();
  const removal = useDeleteQuestion();
  const { question: title, answer, outcome } = question;
  return (
    <li>
      <WrittenCard
        id={`question-${question.id}`}
        title={title}
        isBusy={!isOver(question)}
        actions={
          <>
            {outcome === "answered" && answer !== null ? (
              <CopyButton text={answer} label="Copy the answer" />
            ) : null}
            {isOver(question) ? (
              <CardAction
                title="Ask again"
                label={`Ask again: ${title}`}
                icon={<IconRefresh size={16} />}
                isPending={again.isPending}
                onClick={() => again.mutate(question)}
              />
            ) : null}
            <CardAction
              title="Delete"
              label={`Delete ${title}`}
              icon={<IconTrash size={16} />}
              isPending={removal.isPending}
              onClick={() => removal.mutate(question)}
            />
          </>
        }
      >
        <Facts question={question} />
        <Body question={question} />
      </WrittenCard>
    </li>
  );
}

function Facts({ question }: { question: Question }) {
  const { state, outcome, model, extractive, passages_read: read, document_ids: ids } = question;
  const { tone, icon: Icon, label } = outcome === "not_found" ? notFound : looks[state];
  return (
    <CardFacts
      badge={{ tone, label, icon: <Icon size={15} stroke={2} />, isTurning: state === "processing" }}
      createdAt={question.created_at}
      model={model}
      builtIn={
        extractive
          ? { name: "Built-in, quotes", meaning: "quotes sentences of the documents, does not write" }
          : undefined
      }
    >
      {ids === null ? null : <span>in {countOf(ids.length, "document")}</span>}
      {read === null || read === 0 ? null : <span>{countOf(read, "passage")} read</span>}
    </CardFacts>
  );
}

function Body({ question }: { question: Question }) {
  if (!isOver(question)) return <Work question={question} />;
  if (question.state === "completed") return <Answer question={question} />;
  return (
    <>
      {question.partial_answer === null ? null : (
        <div className={classes.partial}>
          <CardNote>Written until then. It was not finished, and nothing of it was checked:</CardNote>
          <WrittenText>{question.partial_answer}</WrittenText>
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
    <WorkInProgress
      title={question.question}
      written={news.written}
      percent={news.percent}
      message={
        putOff !== null
          ? putOffWords(putOff)
          : news.written === ""
            ? (news.message ?? waiting)
            : "Writing; its citations are looked up when it is done"
      }
      isCancelling={cancellation.isPending}
      onCancel={() => cancellation.mutate(question)}
    />
  );
}
