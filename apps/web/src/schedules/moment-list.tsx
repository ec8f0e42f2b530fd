import { Moment } from "../formatting/moment.tsx";
import { formatAbsolute } from "../formatting/time.ts";
import classes from "./moment-list.module.css";

/** Moments one below the other: how far away, and when exactly. */
export function MomentList({ moments }: { moments: readonly string[] }) {
  return (
    <ol className={classes.moments}>
      {moments.map((moment) => (
        <li key={moment}>
          <span>{formatAbsolute(moment)}</span>
          <span className={classes.distance}>
            <Moment value={moment} />
          </span>
        </li>
      ))}
    </ol>
  );
}
