import type { CrewShape } from "@millrace/contracts";
import { Link } from "@tanstack/react-router";
import IconAlertTriangle from "@tabler/icons-react/dist/esm/icons/IconAlertTriangle.mjs";
import IconUsersGroup from "@tabler/icons-react/dist/esm/icons/IconUsersGroup.mjs";
import { useSystem } from "../api/use-system.ts";
import { EmptyState } from "../feedback/empty-state.tsx";
import { Notice } from "../feedback/notice.tsx";
import { countOf } from "../formatting/numbers.ts";
import { PageHead } from "../parts/page-head.tsx";
import { Answered } from "../parts/states.tsx";
import { useMonitorQuery } from "../monitor/parts/use-monitor-query.ts";
import { CrewProblems } from "./crew-problems.tsx";
import { listCrews } from "./crew-requests.ts";
import classes from "./crews-page.module.css";
import { RunsTable } from "./runs-table.tsx";

/** The crews that there are, and what they have done. */
export function CrewsPage() {
  const crews = useMonitorQuery(["crews"], listCrews);
  return (
    <>
      <PageHead title="Crews" note="Agents that work on tasks together, as their files say." />
      <div className={classes.page}>
        <NeedsModel />
        <Answered what="The crews" query={crews}>
          {({ data }) => (data.length === 0 ? <NoCrews /> : <CrewList crews={data} />)}
        </Answered>
        <section aria-labelledby="runs">
          <h2 id="runs" className={classes.sectionTitle}>
            Latest runs
          </h2>
          <RunsTable none={<p className={classes.none}>No crew has run yet.</p>} />
        </section>
      </div>
    </>
  );
}

/** Agents speak through a model: the built-in ones can't do that. */
export function NeedsModel() {
  const system = useSystem();
  if (system?.models.chat.built_in !== true) return null;
  return (
    <Notice
      tone="warn"
      icon={<IconAlertTriangle size={18} />}
      title="Crews need a model, and none is connected"
    >
      Set CHAT_URL and CHAT_MODEL, or a provider’s key, and start Millrace again. Until then a run ends with
      model_required.
    </Notice>
  );
}

/** Of a crew in the list; its own page has all. */
const shownProblems = 3;

function CrewList({ crews }: { crews: readonly CrewShape[] }) {
  return (
    <ul className={classes.list} aria-label="Crews">
      {crews.map((crew) => (
        <li key={crew.name} className={classes.crew}>
          <h2 className={classes.title}>
            <Link to="/crews/$name" params={{ name: crew.name }} className={classes.link}>
              {crew.title}
            </Link>
          </h2>
          {crew.description === null ? null : <p className={classes.description}>{crew.description}</p>}
          {crew.error === null ? <Facts crew={crew} /> : <CrewProblems crew={crew} atMost={shownProblems} />}
        </li>
      ))}
    </ul>
  );
}

function Facts({ crew }: { crew: CrewShape }) {
  const needed = crew.inputs.filter(({ required }) => required).map(({ name }) => name);
  const optional = crew.inputs.filter(({ required }) => !required).map(({ name }) => name);
  const facts = [
    countOf(crew.agents.length, "agent"),
    countOf(crew.tasks.length, "task"),
    crew.process,
    crew.tasks.some(({ human_input }) => human_input) ? "asks a person" : undefined,
    crew.warnings.length === 0 ? undefined : countOf(crew.warnings.length, "warning"),
  ];
  return (
    <>
      <p className={classes.facts}>{facts.filter((fact) => fact !== undefined).join(" · ")}</p>
      <p className={classes.facts}>
        {needed.length === 0 ? "Needs no input" : `Needs: ${needed.join(", ")}`}
        {optional.length === 0 ? "" : ` · may be given: ${optional.join(", ")}`}
      </p>
    </>
  );
}

function NoCrews() {
  return (
    <EmptyState icon={<IconUsersGroup size={26} />} title="No crews yet">
      A crew is a folder in `crews`, beside your program, with agents.yaml and tasks.yaml as CrewAI has them.
      It appears here when Millrace has started again.
    </EmptyState>
  );
}
