import { Link } from "@tanstack/react-router";
import IconArrowLeft from "@tabler/icons-react/dist/esm/icons/IconArrowLeft.mjs";
import type { ReactNode } from "react";
import classes from "./detail-header.module.css";

/** The head of a page on one thing: the way back to the list, its name, what it is, what can be done with it. */
export function DetailHeader({
  listPath,
  listName,
  title,
  facts,
  actions,
}: {
  listPath: "/documents" | "/monitor/jobs" | "/monitor/workflows" | "/crews";
  listName: string;
  /** Holds the heading of the page. */
  title: ReactNode;
  facts: ReactNode;
  actions: ReactNode;
}) {
  return (
    <div className={classes.header}>
      <Link to={listPath} className={classes.back}>
        <IconArrowLeft size={16} aria-hidden="true" /> {listName}
      </Link>
      <div className={classes.line}>
        <div className={classes.words}>
          {title}
          <p className={classes.facts}>{facts}</p>
        </div>
        <div className={classes.actions}>{actions}</div>
      </div>
    </div>
  );
}
