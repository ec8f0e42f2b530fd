import classes from "./page-heading.module.css";

export function PageHeading({ children }: { children: string }) {
  return <h1 className={classes.heading}>{children}</h1>;
}
