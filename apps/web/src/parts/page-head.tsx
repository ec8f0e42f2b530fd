import type { ReactNode } from "react";
import { useAnnouncedPage, usePageTitle } from "../app/page-title.ts";
import classes from "./page-head.module.css";
import { PageHeading } from "./page-heading.tsx";

/** The heading of a page, its title in the tab, and what can be done with all of it. */
export function PageHead({
  title,
  note,
  actions,
}: {
  title: string;
  /** One line below the heading. */
  note?: ReactNode;
  actions?: ReactNode;
}) {
  usePageTitle(title);
  useAnnouncedPage(title);
  return (
    <div className={classes.root}>
      <div className={classes.words}>
        <PageHeading>{title}</PageHeading>
        {note === undefined ? null : <p className={classes.note}>{note}</p>}
      </div>
      {actions === undefined ? null : <div className={classes.actions}>{actions}</div>}
    </div>
  );
}
