import type { ReactNode } from "react";
import classes from "./notice.module.css";

export type NoticeTone = "plain" | "accent" | "good" | "warn" | "bad";

/** A quiet box that says something about what is near it: a warning, a failure, an explanation. */
export function Notice({
  tone,
  icon,
  title,
  children,
  action,
}: {
  tone: NoticeTone;
  icon?: ReactNode;
  title?: string;
  children?: ReactNode;
  action?: ReactNode;
}) {
  return (
    <div className={classes.root} data-tone={tone}>
      {icon === undefined ? null : (
        <span className={classes.icon} aria-hidden="true">
          {icon}
        </span>
      )}
      <div className={classes.body}>
        {title === undefined ? null : <p className={classes.title}>{title}</p>}
        {children}
      </div>
      {action === undefined ? null : <div className={classes.action}>{action}</div>}
    </div>
  );
}
