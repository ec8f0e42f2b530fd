import { VisuallyHidden } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useId } from "react";
import type { ReactNode } from "react";
import classes from "./card.module.css";

/** A part of the overview with the way to all of it. */
export function Card({
  title,
  to,
  children,
}: {
  title: string;
  to: "/monitor/queues" | "/monitor/workers" | "/monitor/failures";
  children: ReactNode;
}) {
  const id = useId();
  return (
    <section className={classes.root} aria-labelledby={id}>
      <div className={classes.head}>
        <h2 id={id} className={classes.title}>
          {title}
        </h2>
        <Link to={to} className={classes.all}>
          See all
          <VisuallyHidden> {title.toLowerCase()}</VisuallyHidden>
        </Link>
      </div>
      {children}
    </section>
  );
}
