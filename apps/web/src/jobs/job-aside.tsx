import type { JobDetail } from "@millrace/contracts";
import { Link } from "@tanstack/react-router";
import { Moment } from "../formatting/moment.tsx";
import { formatCount } from "../formatting/numbers.ts";
import { useNow } from "../formatting/use-now.ts";
import { Duration } from "./duration.tsx";
import classes from "./job-aside.module.css";
import { CodeFact, Fact, Facts } from "./job-facts.tsx";
import { runOf, waitOf, wholeOf } from "./job-times.ts";
import { isEmptyJson } from "./json-shape.ts";
import { JsonTree } from "./json-tree.tsx";
import { Panel } from "./panel.tsx";

/** What is known of a job beside its work: names, times, and what it belongs to. */
export function JobAside({ job }: { job: JobDetail }) {
  return (
    <>
      <Panel title="Times">
        <Times job={job} />
      </Panel>
      <Panel title="Details">
        <Details job={job} />
      </Panel>
      {isEmptyJson(job.meta) ? null : (
        <Panel title="Meta">
          <JsonTree value={job.meta} />
        </Panel>
      )}
    </>
  );
}

function Times({ job }: { job: JobDetail }) {
  const now = useNow();
  const newest = job.attempts[0];
  return (
    <Facts>
      <Fact name="Created">
        <Moment value={job.created_at} withAbsolute />
      </Fact>
      <Fact name="Due">
        <Moment value={job.run_at} />
      </Fact>
      {newest === undefined ? null : (
        <Fact name="Began">
          <Moment value={newest.started_at} />
        </Fact>
      )}
      {job.finished_at === null ? null : (
        <Fact name="Ended">
          <Moment value={job.finished_at} />
        </Fact>
      )}
      <Fact name="Waited">
        <Duration span={waitOf(job, now)} />
      </Fact>
      <Fact name="Ran">
        <Duration span={runOf(job)} />
      </Fact>
      <Fact name="In all">
        <Duration span={wholeOf(job)} />
      </Fact>
    </Facts>
  );
}

function Details({ job }: { job: JobDetail }) {
  const documentId = job.stream.startsWith("document:") ? job.stream.slice("document:".length) : undefined;
  return (
    <Facts>
      <CodeFact name="Id" code={job.id} />
      {documentId === undefined ? null : (
        <Fact name="Document">
          <Link to="/documents/$id" params={{ id: documentId }}>
            Open the document
          </Link>
        </Fact>
      )}
      <Fact name="Queue">
        <Link to="/monitor/jobs" search={{ queue: job.queue }}>
          {job.queue}
        </Link>
      </Fact>
      <Fact name="Task">
        <Link to="/monitor/jobs" search={{ task: job.task }}>
          {job.task}
        </Link>
      </Fact>
      <Fact name="Owner">{job.owner ?? "Millrace itself"}</Fact>
      <Fact name="Priority">{job.priority} of 9</Fact>
      <Fact name="Attempts">
        {formatCount(job.attempt)} of at most {formatCount(job.max_attempts)}
      </Fact>
      {job.crash_count === 0 ? null : <Fact name="Crashes">{formatCount(job.crash_count)}</Fact>}
      {job.tags.length === 0 ? null : (
        <Fact name="Tags">
          <span className={classes.tags}>
            {job.tags.map((tag) => (
              <Link key={tag} to="/monitor/jobs" search={{ tag }} className={classes.tag}>
                {tag}
              </Link>
            ))}
          </span>
        </Fact>
      )}
      {job.workflow_id === null ? null : (
        <Fact name="Workflow">
          <Link to="/monitor/workflows/$id" params={{ id: job.workflow_id }}>
            Open the workflow
          </Link>
        </Fact>
      )}
      {job.parent_id === null ? null : (
        <Fact name="Parent">
          <Link to="/monitor/jobs/$id" params={{ id: job.parent_id }}>
            Open the parent
          </Link>
        </Fact>
      )}
      {job.trace_id === null ? null : <CodeFact name="Trace id" code={job.trace_id} />}
    </Facts>
  );
}
