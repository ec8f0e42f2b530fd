import { Progress } from "@mantine/core";
import classes from "./progress-line.module.css";

/** How far something is: a bar, and the same in words. */
export function ProgressLine({
  percent,
  label,
  words,
  isFailing = false,
}: {
  percent: number;
  /** Of what it is the progress. */
  label: string;
  words: string;
  /** Default false. */
  isFailing?: boolean;
}) {
  return (
    <div className={classes.root}>
      <Progress.Root size={7} className={classes.bar}>
        <Progress.Section
          value={percent}
          aria-label={label}
          {...(isFailing ? { color: "var(--bad)" } : {})}
        />
      </Progress.Root>
      <p className={classes.words}>{words}</p>
    </div>
  );
}
