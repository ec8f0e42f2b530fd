import type { LogLine } from "@millrace/contracts";
import { formatAbsolute, formatClock } from "../formatting/time.ts";
import classes from "./log-lines.module.css";

/** Lines of a log, oldest first. */
export function LogLines({ lines }: { lines: readonly LogLine[] }) {
  return (
    <ol className={classes.lines}>
      {lines.map((line) => (
        <li key={line.id} className={classes.line} data-level={line.level}>
          <time dateTime={line.created_at} title={formatAbsolute(line.created_at)} className={classes.time}>
            {formatClock(line.created_at)}
          </time>
          <span className={classes.text}>
            {line.level === "error" || line.level === "warning" ? (
              <strong className={classes.level}>{line.level}</strong>
            ) : null}
            {line.message}
          </span>
        </li>
      ))}
    </ol>
  );
}
