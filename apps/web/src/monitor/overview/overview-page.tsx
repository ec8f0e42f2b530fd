import { PageHead } from "../../parts/page-head.tsx";
import { Answered } from "../../parts/states.tsx";
import { FailuresCard } from "./failures-card.tsx";
import { Figures } from "./figures.tsx";
import { Health } from "./health.tsx";
import classes from "./overview-page.module.css";
import { QueuesCard } from "./queues-card.tsx";
import { useOverview } from "./use-overview.ts";
import { WorkersCard } from "./workers-card.tsx";

/** What an operator asks first: is it well, how much waits, how fast does it go, what fails. */
export function OverviewPage() {
  const query = useOverview();
  return (
    <>
      <PageHead title="Overview" />
      <Answered what="The overview" query={query}>
        {({ queues, workers, samples }) => (
          <div className={classes.root}>
            <Health all={queues.all} workers={workers} />
            <Figures queues={queues} workers={workers} samples={samples} />
            <div className={classes.columns}>
              <QueuesCard queues={queues.data} />
              <WorkersCard workers={workers} />
            </div>
            <FailuresCard />
          </div>
        )}
      </Answered>
    </>
  );
}
