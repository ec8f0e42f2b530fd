import { formatCount } from "../../formatting/numbers.ts";
import classes from "./slots.module.css";

/** How many of a worker's slots are busy, as a bar and in figures. */
export function Slots({ running, concurrency }: { running: number; concurrency: number }) {
  const share = concurrency === 0 ? 0 : Math.min(1, running / concurrency);
  return (
    <span className={classes.root}>
      <span className={classes.track} aria-hidden="true">
        <span className={classes.busy} style={{ transform: `scaleX(${share})` }} />
      </span>
      <span className={classes.figures}>
        {formatCount(running)} of {formatCount(concurrency)}
      </span>
    </span>
  );
}
