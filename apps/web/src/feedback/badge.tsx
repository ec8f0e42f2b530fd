import type { ReactNode } from "react";
import classes from "./badge.module.css";

export type BadgeTone = "quiet" | "accent" | "good" | "warn" | "bad";

/** A state by sign, colour and word: never by colour alone. */
export function Badge({
  tone,
  icon,
  isTurning = false,
  children,
}: {
  tone: BadgeTone;
  icon: ReactNode;
  /** The sign turns, as something is being done. Default false. */
  isTurning?: boolean;
  children: ReactNode;
}) {
  return (
    <span className={classes.root} data-tone={tone}>
      <span className={classes.icon} data-turning={isTurning || undefined} aria-hidden="true">
        {icon}
      </span>
      {children}
    </span>
  );
}
