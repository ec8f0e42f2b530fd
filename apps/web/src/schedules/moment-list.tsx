import { formatAbsolute } from "../formatting/time.ts";
import classes from "./moment-list.module.css";
import { Upcoming } from "./upcoming.tsx";

const exactFormat = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

/** Moments one below the other: how far away, and when exactly. */
export function MomentList({ moments }: { moments: readonly string[] }) {
  // What comes more than once a minute, or between two of them, is told to the second.
  const hasSeconds = moments.some((moment) => Date.parse(moment) % 60_000 !== 0);
  return (
    <ol className={classes.moments}>
      {moments.map((moment) => (
        <li key={moment}>
          <span>{hasSeconds ? exactFormat.format(Date.parse(moment)) : formatAbsolute(moment)}</span>
          <span className={classes.distance}>
            <Upcoming moment={moment} />
          </span>
        </li>
      ))}
    </ol>
  );
}
