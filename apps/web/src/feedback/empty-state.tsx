import type { ReactNode } from "react";
import classes from "./empty-state.module.css";

/** Says why there is nothing here, and gives the one thing to do about it. */
export function EmptyState({
  icon,
  title,
  isPage = false,
  children,
  action,
}: {
  icon: ReactNode;
  title: string;
  /** The whole page is this: its title is the page's heading. Default false. */
  isPage?: boolean;
  children?: ReactNode;
  action?: ReactNode;
}) {
  const Heading = isPage ? "h1" : "h2";
  return (
    <div className={classes.root}>
      <div className={classes.icon} aria-hidden="true">
        {icon}
      </div>
      <Heading className={classes.title}>{title}</Heading>
      {children === undefined ? null : <p className={classes.text}>{children}</p>}
      {action === undefined ? null : <div className={classes.action}>{action}</div>}
    </div>
  );
}
