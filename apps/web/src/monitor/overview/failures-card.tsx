import { Link } from "@tanstack/react-router";
import { Moment } from "../../formatting/moment.tsx";
import { formatCount } from "../../formatting/numbers.ts";
import { fetchFailures } from "../monitor-requests.ts";
import { Answered } from "../../parts/states.tsx";
import { useMonitorQuery } from "../parts/use-monitor-query.ts";
import { Card } from "./card.tsx";
import classes from "./card.module.css";

const shownGroups = 5;

/** What fails most. */
export function FailuresCard() {
  const query = useMonitorQuery(
    ["failures", null, null, shownGroups],
    (signal) => fetchFailures({ limit: shownGroups }, signal),
    { isCostly: true },
  );
  return (
    <Card title="Failures" to="/monitor/failures">
      <Answered what="The failures" query={query}>
        {({ data }) =>
          data.length === 0 ? (
            <p className={classes.quiet}>Nothing has failed.</p>
          ) : (
            <ul className={classes.list}>
              {data.map((group) => (
                <li key={`${group.task} ${group.error_code} ${group.error_message}`} className={classes.row}>
                  <span className={classes.count}>{formatCount(group.count)}×</span>
                  <span className={classes.failure}>
                    <Link
                      to="/monitor/jobs"
                      search={{ task: group.task, error: group.error_code, state: "failed" }}
                      className={classes.message}
                    >
                      {group.sample_message}
                    </Link>
                    <span className={classes.task}>{group.task}</span>
                  </span>
                  <span className={classes.when}>
                    <Moment value={group.last_at} />
                  </span>
                </li>
              ))}
            </ul>
          )
        }
      </Answered>
    </Card>
  );
}
