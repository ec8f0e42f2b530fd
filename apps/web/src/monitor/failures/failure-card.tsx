import type { FailureGroup } from "@millrace/contracts";
import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import IconRotateClockwise from "@tabler/icons-react/dist/esm/icons/IconRotateClockwise.mjs";
import { ButtonLink } from "../../parts/button-link.tsx";
import { Moment } from "../../formatting/moment.tsx";
import { formatCount } from "../../formatting/numbers.ts";
import classes from "./failure-card.module.css";

/** Jobs that failed alike: what they say, how many, since when, and what can be done. */
export function FailureCard({
  group,
  isPending,
  onRetry,
}: {
  group: FailureGroup;
  /** Whether those to retry are being counted. */
  isPending: boolean;
  onRetry: () => void;
}) {
  const { task, error_code: error, sample_message: message, count, job_ids: ids } = group;
  return (
    <li className={classes.root}>
      <span className={classes.count} title={`${formatCount(count)} failed jobs`}>
        {formatCount(count)}×
      </span>
      <div className={classes.body}>
        <p className={classes.message}>{message}</p>
        <p className={classes.facts}>
          <Link to="/monitor/jobs" search={{ task, state: "failed" }}>
            {task}
          </Link>
          <code>{error}</code>
          <span>
            last <Moment value={group.last_at} />
            {count === 1 ? null : (
              <>
                , first <Moment value={group.first_at} />
              </>
            )}
          </span>
        </p>
        {ids[0] === undefined ? null : (
          <p className={classes.latest}>
            <Link to="/monitor/jobs/$id" params={{ id: ids[0] }}>
              See the latest job
            </Link>
          </p>
        )}
      </div>
      <div className={classes.actions}>
        <ButtonLink to="/monitor/jobs" search={{ task, error, state: "failed" }} variant="default" size="sm">
          Show jobs
        </ButtonLink>
        <Button
          variant="light"
          size="sm"
          leftSection={<IconRotateClockwise size={16} />}
          loading={isPending}
          onClick={onRetry}
          aria-label={`Retry ${formatCount(count)}: ${message}`}
        >
          Retry {formatCount(count)}…
        </Button>
      </div>
    </li>
  );
}
