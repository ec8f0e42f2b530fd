import type { CrewRunDetail, CrewRunTask } from "@millrace/contracts";
import IconCircleCheck from "@tabler/icons-react/dist/esm/icons/IconCircleCheck.mjs";
import IconCircleX from "@tabler/icons-react/dist/esm/icons/IconCircleX.mjs";
import IconClock from "@tabler/icons-react/dist/esm/icons/IconClock.mjs";
import IconHourglass from "@tabler/icons-react/dist/esm/icons/IconHourglass.mjs";
import IconLoader2 from "@tabler/icons-react/dist/esm/icons/IconLoader2.mjs";
import IconPlayerTrackNext from "@tabler/icons-react/dist/esm/icons/IconPlayerTrackNext.mjs";
import { Badge } from "../feedback/badge.tsx";
import type { BadgeTone } from "../feedback/badge.tsx";
import { CopyButton } from "../feedback/copy.tsx";
import { Panel } from "../jobs/panel.tsx";
import type { CrewItem, CrewNews } from "./crew-live.ts";
import { LongText } from "./long-text.tsx";
import { ReplayButton } from "./replay-button.tsx";
import { RunStep } from "./run-step.tsx";
import classes from "./run-timeline.module.css";
import { canReplayFrom, itemsByTask, standingOf, stepCount } from "./run-words.ts";
import type { TaskStanding } from "./run-words.ts";

const looks: Readonly<Record<TaskStanding, { label: string; tone: BadgeTone; icon: typeof IconClock }>> = {
  pending: { label: "To come", tone: "quiet", icon: IconClock },
  running: { label: "Under way", tone: "accent", icon: IconLoader2 },
  asking: { label: "Waits for you", tone: "warn", icon: IconHourglass },
  done: { label: "Done", tone: "good", icon: IconCircleCheck },
  skipped: { label: "Skipped", tone: "quiet", icon: IconPlayerTrackNext },
  unfinished: { label: "Not finished", tone: "bad", icon: IconCircleX },
};

/** The tasks in their order, each with what its agents did and what came of it. */
export function RunTimeline({ run, news }: { run: CrewRunDetail; news: CrewNews }) {
  const { own, ofTask } = itemsByTask(news.items, run.tasks);
  return (
    <Panel title="Tasks" isBare>
      {own.length === 0 ? null : (
        <div className={classes.own}>
          <Steps items={own} isOpen={false} what="Of the crew itself: " />
        </div>
      )}
      <ol className={classes.tasks} aria-label="Tasks in their order">
        {run.tasks.map((task) => (
          <Task key={task.task} run={run} task={task} items={ofTask(task.task)} />
        ))}
      </ol>
      {news.hasStart || run.started_at === null ? null : (
        <p className={classes.note}>Single steps are kept for a day after the end: earlier ones are gone.</p>
      )}
    </Panel>
  );
}

function Task({ run, task, items }: { run: CrewRunDetail; task: CrewRunTask; items: readonly CrewItem[] }) {
  const standing = standingOf(task, run);
  const { label, tone, icon: Icon } = looks[standing];
  const { output } = task;
  const agent = output?.agent ?? items.at(-1)?.agent ?? task.agent;
  return (
    <li className={classes.task} data-standing={standing}>
      <div className={classes.head}>
        <h3 className={classes.title}>{task.title}</h3>
        <Badge tone={tone} icon={<Icon size={15} stroke={2} />} isTurning={standing === "running"}>
          {label}
        </Badge>
        {agent === null || agent === "" ? null : <span className={classes.agent}>{agent}</span>}
        {canReplayFrom(task, run) ? (
          <span className={classes.replay}>
            <ReplayButton run={run} task={task} />
          </span>
        ) : null}
      </div>
      {items.length === 0 ? null : (
        <Steps items={items} isOpen={standing !== "done" && standing !== "skipped"} />
      )}
      {output === null || output.skipped ? null : (
        <div className={classes.output}>
          <div className={classes.outputHead}>
            <span>Output{output.output_file === null ? "" : ` · ${output.output_file}`}</span>
            <CopyButton text={output.raw} label={`Copy the output of ${task.title}`} />
          </div>
          <LongText text={output.raw} label={task.title} />
        </div>
      )}
    </li>
  );
}

/** Folded away once a task is done: then its output says it. */
function Steps({ items, isOpen, what = "" }: { items: readonly CrewItem[]; isOpen: boolean; what?: string }) {
  const list = (
    <ol className={classes.steps}>
      {items.map((item) => (
        <RunStep key={`${item.kind} ${item.step}`} item={item} />
      ))}
    </ol>
  );
  if (isOpen) return list;
  return (
    <details className={classes.folded}>
      <summary>
        {what}
        {stepCount(items)}
      </summary>
      {list}
    </details>
  );
}
