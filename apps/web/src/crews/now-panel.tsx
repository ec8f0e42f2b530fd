import type { CrewRunDetail } from "@millrace/contracts";
import IconLoader2 from "@tabler/icons-react/dist/esm/icons/IconLoader2.mjs";
import { Badge } from "../feedback/badge.tsx";
import { Panel } from "../jobs/panel.tsx";
import { Elapsed } from "../parts/elapsed.tsx";
import { workersOf } from "./crew-live.ts";
import type { CrewNews, Worker } from "./crew-live.ts";
import classes from "./run-page.module.css";

/** Who works just now, on what. */
export function NowPanel({ run, news }: { run: CrewRunDetail; news: CrewNews }) {
  const workers = workersOf(news);
  const titleOf = (task: string) => run.tasks.find((known) => known.task === task)?.title ?? "the whole";
  return (
    <Panel title="At work now">
      {workers.length === 0 ? (
        <p className={classes.waits}>Between two steps.</p>
      ) : (
        <ul className={classes.workers}>
          {workers.map((worker) => (
            <li key={`${worker.tool ?? ""} ${worker.step}`} className={classes.worker}>
              <Badge tone="accent" icon={<IconLoader2 size={15} stroke={2} />} isTurning>
                {doing(worker)}
              </Badge>
              <span className={classes.role}>{worker.agent}</span>
              <span className={classes.waits}>
                on {titleOf(worker.task)} · <Elapsed since={worker.at} />
              </span>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}

function doing({ tool, isWriting }: Worker): string {
  if (tool !== undefined) return `Uses ${tool}`;
  return isWriting ? "Writes" : "Thinks";
}
