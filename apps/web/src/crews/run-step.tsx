import IconArrowForward from "@tabler/icons-react/dist/esm/icons/IconArrowForward.mjs";
import IconCircleX from "@tabler/icons-react/dist/esm/icons/IconCircleX.mjs";
import IconMessage from "@tabler/icons-react/dist/esm/icons/IconMessage.mjs";
import IconMessageQuestion from "@tabler/icons-react/dist/esm/icons/IconMessageQuestion.mjs";
import IconShieldCheck from "@tabler/icons-react/dist/esm/icons/IconShieldCheck.mjs";
import IconTool from "@tabler/icons-react/dist/esm/icons/IconTool.mjs";
import type { ReactNode } from "react";
import { formatDuration } from "../formatting/time.ts";
import type { CrewItem, ToolItem, TurnItem } from "./crew-live.ts";
import { LongText } from "./long-text.tsx";
import classes from "./run-timeline.module.css";
import { turnWords } from "./run-words.ts";

/** One thing that an agent did, or does. */
export function RunStep({ item }: { item: CrewItem }) {
  switch (item.kind) {
    case "turn":
      return <Turn turn={item} />;
    case "tool":
      return <ToolCall call={item} />;
    case "delegation":
      return (
        <Step icon={IconArrowForward} title={`${item.agent} hands on to ${item.coworker}`}>
          <LongText text={item.text} label="what is handed on" />
        </Step>
      );
    case "guardrail":
      return (
        <Step
          icon={IconShieldCheck}
          title={`Check: ${item.name}`}
          note={item.problem === null ? "passed" : "not passed"}
          isBad={item.problem !== null}
        >
          {item.problem}
        </Step>
      );
    case "question":
      return (
        <Step icon={IconMessageQuestion} title="A person was asked" note={feedbackWords(item.feedback)}>
          {item.feedback === undefined || item.feedback === "" ? null : item.feedback}
        </Step>
      );
    case "failure":
      return (
        <Step icon={IconCircleX} title="It failed" note={item.code} isBad>
          {item.message}
        </Step>
      );
  }
}

function feedbackWords(feedback: string | undefined): string {
  if (feedback === undefined) return "no answer yet";
  return feedback === "" ? "accepted" : "asked for a change";
}

const turnTitles: Readonly<Record<TurnItem["state"], string>> = {
  running: "writes",
  stopped: "was interrupted",
  answered: "answered",
  failed: "got no answer",
};

function Turn({ turn }: { turn: TurnItem }) {
  const isOver = turn.state === "answered" || turn.state === "failed";
  const uses = turn.tools.length === 0 ? "" : `, and asks for ${turn.tools.join(", ")}`;
  return (
    <Step
      icon={IconMessage}
      title={`${turn.agent} ${turnTitles[turn.state]}${uses}`}
      note={isOver ? [turnWords(turn), took(turn.latencyMs)].filter(Boolean).join(" · ") : undefined}
      isBad={turn.state === "failed"}
      isRunning={turn.state === "running"}
    >
      {turn.state === "running" ? (
        <p className={classes.live}>{turn.text === "" ? "Thinking…" : turn.text}</p>
      ) : turn.text === "" ? null : (
        <LongText text={turn.text} label="this answer" />
      )}
    </Step>
  );
}

const toolNotes: Readonly<Record<ToolItem["state"], string>> = {
  running: "under way",
  stopped: "interrupted",
  done: "done",
  failed: "failed",
  refused: "refused",
};

function ToolCall({ call }: { call: ToolItem }) {
  return (
    <Step
      icon={IconTool}
      title={`${call.agent} uses ${call.tool}`}
      note={[toolNotes[call.state], took(call.latencyMs)].filter(Boolean).join(" · ")}
      isBad={call.state === "failed" || call.state === "refused"}
      isRunning={call.state === "running"}
    >
      {call.input === null && call.output === null ? null : (
        <details className={classes.folded}>
          <summary>Input and output</summary>
          {call.input === null ? null : <pre className={classes.json}>{call.input}</pre>}
          {call.output === null ? null : <LongText text={call.output} label="the output" />}
        </details>
      )}
    </Step>
  );
}

function took(latencyMs: number | null): string | undefined {
  if (latencyMs === null) return undefined;
  return latencyMs < 1000 ? `${Math.round(latencyMs)} ms` : formatDuration(latencyMs);
}

function Step({
  icon: Icon,
  title,
  note,
  isBad = false,
  isRunning = false,
  children,
}: {
  icon: typeof IconTool;
  title: string;
  note?: string | undefined;
  /** Default false. */
  isBad?: boolean;
  /** Default false. */
  isRunning?: boolean;
  children?: ReactNode;
}) {
  return (
    <li className={classes.step} data-running={isRunning || undefined} data-bad={isBad || undefined}>
      <span className={classes.sign} aria-hidden="true">
        <Icon size={15} stroke={1.8} />
      </span>
      <div className={classes.stepBody}>
        <p className={classes.stepTitle}>{title}</p>
        {note === undefined || note === "" ? null : <p className={classes.stepNote}>{note}</p>}
        {children}
      </div>
    </li>
  );
}
