import type { CrewAgentShape, CrewShape, CrewTaskShape } from "@millrace/contracts";
import { getRouteApi } from "@tanstack/react-router";
import { countOf } from "../formatting/numbers.ts";
import { CodeFact, Fact, Facts } from "../jobs/job-facts.tsx";
import { Panel } from "../jobs/panel.tsx";
import { DetailAnswer, DetailPage } from "../parts/detail-page.tsx";
import { useMonitorQuery } from "../monitor/parts/use-monitor-query.ts";
import classes from "./crew-page.module.css";
import { CrewProblems, CrewWarnings } from "./crew-problems.tsx";
import { fetchCrew } from "./crew-requests.ts";
import { NeedsModel } from "./crews-page.tsx";
import { RunForm } from "./run-form.tsx";
import { RunsTable } from "./runs-table.tsx";

const route = getRouteApi("/crews/$name");

/** One crew: what it is made of, the form that runs it, and its former runs. */
export function CrewPage() {
  const { name } = route.useParams();
  const query = useMonitorQuery(["crew", name], (signal) => fetchCrew(name, signal));
  return (
    <DetailAnswer thing="crew" query={query}>
      {(crew) => <LoadedCrew key={name} crew={crew} />}
    </DetailAnswer>
  );
}

function LoadedCrew({ crew }: { crew: CrewShape }) {
  return (
    <DetailPage
      thing="crew"
      title={crew.title}
      facts={crew.description}
      actions={null}
      standing={
        <>
          <CrewProblems crew={crew} />
          {crew.error === null ? <NeedsModel /> : null}
          <CrewWarnings crew={crew} />
        </>
      }
      aside={<About crew={crew} />}
    >
      {crew.error === null ? (
        <>
          <Panel title="Run it">
            <RunForm crew={crew} />
          </Panel>
          <Panel title="Tasks" isBare>
            <ol className={classes.list}>
              {crew.tasks.map((task) => (
                <Task key={task.name} task={task} crew={crew} />
              ))}
            </ol>
          </Panel>
          <Panel title="Agents" isBare>
            <ul className={classes.list}>
              {crew.manager === null ? null : <Agent agent={crew.manager} note="leads the others" />}
              {crew.agents.map((agent) => (
                <Agent key={agent.name} agent={agent} />
              ))}
            </ul>
          </Panel>
        </>
      ) : null}
      <section aria-labelledby="runs">
        <h2 id="runs" className={classes.heading}>
          Runs
        </h2>
        <RunsTable crew={crew.name} none={<p className={classes.none}>It has not run yet.</p>} />
      </section>
    </DetailPage>
  );
}

function Task({ task, crew }: { task: CrewTaskShape; crew: CrewShape }) {
  const worker = crew.agents.find(({ name }) => name === task.agent)?.role ?? task.agent;
  const titleOf = (name: string) => crew.tasks.find((other) => other.name === name)?.title ?? name;
  const marks = [
    worker === null ? "the manager chooses who" : worker,
    task.is_async ? "beside others" : undefined,
    task.human_input ? "a person judges it" : undefined,
    task.context === null || task.context.length === 0
      ? undefined
      : `with what came of: ${task.context.map(titleOf).join(", ")}`,
  ];
  return (
    <li className={classes.item}>
      <h3 className={classes.name}>{task.title}</h3>
      <p className={classes.marks}>{marks.filter((mark) => mark !== undefined).join(" · ")}</p>
      <p className={classes.text}>{task.description}</p>
      <p className={classes.marks}>Gives: {task.expected_output}</p>
      <Tools tools={task.tools} />
    </li>
  );
}

function Agent({ agent, note }: { agent: CrewAgentShape; note?: string }) {
  const marks = [
    note,
    agent.model === null ? undefined : agent.model,
    agent.may_delegate ? "may hand work on" : undefined,
  ].filter((mark) => mark !== undefined);
  return (
    <li className={classes.item}>
      <h3 className={classes.name}>{agent.role}</h3>
      {marks.length === 0 ? null : <p className={classes.marks}>{marks.join(" · ")}</p>}
      <p className={classes.text}>{agent.goal}</p>
      <Tools tools={agent.tools} />
    </li>
  );
}

function Tools({ tools }: { tools: readonly string[] }) {
  if (tools.length === 0) return null;
  return (
    <ul className={classes.tools} aria-label="Tools">
      {tools.map((tool) => (
        <li key={tool}>{tool}</li>
      ))}
    </ul>
  );
}

function About({ crew }: { crew: CrewShape }) {
  return (
    <Panel title="Details">
      <Facts>
        <CodeFact name="Name" code={crew.name} />
        {crew.error === null ? (
          <>
            <Fact name="Process">{crew.process}</Fact>
            <Fact name="Made of">
              {countOf(crew.agents.length, "agent")}, {countOf(crew.tasks.length, "task")}
            </Fact>
          </>
        ) : null}
      </Facts>
    </Panel>
  );
}
