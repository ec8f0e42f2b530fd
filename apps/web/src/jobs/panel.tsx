import { useId } from "react";
import type { ReactNode } from "react";
import classes from "./panel.module.css";

/** One matter of a page in a frame, under its heading. */
export function Panel({
  title,
  aside,
  isBare = false,
  children,
}: {
  title: string;
  /** What stands right of the heading. */
  aside?: ReactNode;
  /** The content brings its own margins. Default false. */
  isBare?: boolean;
  children: ReactNode;
}) {
  const headingId = useId();
  return (
    <section className={classes.panel} aria-labelledby={headingId}>
      <div className={classes.head}>
        <h2 id={headingId} className={classes.title}>
          {title}
        </h2>
        {aside === undefined ? null : <div className={classes.aside}>{aside}</div>}
      </div>
      <div className={classes.body} data-bare={isBare || undefined}>
        {children}
      </div>
    </section>
  );
}
