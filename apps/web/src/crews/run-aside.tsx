import type { CrewRunDetail } from "@millrace/contracts";
import { Link } from "@tanstack/react-router";
import IconDownload from "@tabler/icons-react/dist/esm/icons/IconDownload.mjs";
import { Moment } from "../formatting/moment.tsx";
import { formatBytes, formatCount } from "../formatting/numbers.ts";
import { CodeFact, Fact, Facts } from "../jobs/job-facts.tsx";
import { isEmptyJson } from "../jobs/json-shape.ts";
import { JsonPanel } from "../jobs/json-panel.tsx";
import { Panel } from "../jobs/panel.tsx";
import classes from "./run-page.module.css";

/** What belongs to a run beside its work: files, inputs, times, the job that does it. */
export function RunAside({ run }: { run: CrewRunDetail }) {
  return (
    <>
      {run.files.length === 0 ? null : <Files run={run} />}
      {isEmptyJson(run.inputs) ? null : <JsonPanel title="Inputs" value={run.inputs} none="" />}
      <Panel title="Details">
        <Facts>
          <CodeFact name="Id" code={run.id} />
          <Fact name="Created">
            <Moment value={run.created_at} withAbsolute />
          </Fact>
          {run.finished_at === null ? null : (
            <Fact name="Ended">
              <Moment value={run.finished_at} withAbsolute />
            </Fact>
          )}
          {run.attempt > 1 ? <Fact name="Attempt">{formatCount(run.attempt)}</Fact> : null}
          <Fact name="Job">
            <Link to="/monitor/jobs/$id" params={{ id: run.job_id }}>
              Open the job
            </Link>
          </Fact>
          {run.replay_of === null ? null : (
            <Fact name="Replays">
              <Link to="/crews/runs/$id" params={{ id: run.replay_of }}>
                Open the former run
              </Link>
              {run.replay_from === null ? null : ` from ${run.replay_from}`}
            </Fact>
          )}
        </Facts>
      </Panel>
    </>
  );
}

function Files({ run: { files, tasks } }: { run: CrewRunDetail }) {
  const titleOf = (name: string) => tasks.find(({ task }) => task === name)?.title ?? name;
  return (
    <Panel title="Files">
      <ul className={classes.files}>
        {files.map((file) => (
          <li key={file.path}>
            <a href={file.link} download={file.path.split("/").at(-1)} className={classes.file}>
              <IconDownload size={15} aria-hidden="true" /> {file.path}
            </a>
            <p className={classes.waits}>
              {formatBytes(file.size)} · {titleOf(file.task)}
            </p>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
