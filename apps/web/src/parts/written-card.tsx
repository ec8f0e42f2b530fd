import { ActionIcon, Button, Progress, Skeleton } from "@mantine/core";
import type { ReactNode } from "react";
import { Badge } from "../feedback/badge.tsx";
import type { BadgeTone } from "../feedback/badge.tsx";
import { Moment } from "../formatting/moment.tsx";
import classes from "./written-card.module.css";

/** An answer, a summary: something that is written for somebody, from the request to what came out. */
export function WrittenCard({
  id,
  title,
  isBusy,
  actions,
  children,
}: {
  /** Of the heading; there is no other like it in the page. */
  id: string;
  title: string;
  isBusy: boolean;
  actions: ReactNode;
  children: ReactNode;
}) {
  return (
    <article className={classes.card} aria-labelledby={id} aria-busy={isBusy}>
      <header className={classes.head}>
        <h3 id={id} className={classes.title}>
          {title}
        </h3>
        <div className={classes.actions}>{actions}</div>
      </header>
      {children}
    </article>
  );
}

export function CardAction({
  title,
  label,
  icon,
  isPending = false,
  onClick,
}: {
  title: string;
  /** Says also of what. */
  label: string;
  icon: ReactNode;
  isPending?: boolean;
  onClick: () => void;
}) {
  return (
    <ActionIcon
      variant="subtle"
      color="gray"
      size="md"
      aria-label={label}
      title={title}
      loading={isPending}
      onClick={onClick}
    >
      {icon}
    </ActionIcon>
  );
}

/** How it stands, since when, what else is known of it, and who wrote it. */
export function CardFacts({
  badge,
  createdAt,
  model,
  builtIn,
  children,
}: {
  badge: { tone: BadgeTone; icon: ReactNode; label: string; isTurning: boolean };
  createdAt: string;
  /** Null while nobody has begun to write. */
  model: string | null;
  /** Set when no language model wrote: what is said in place of its name, and what that means. */
  builtIn: { name: string; meaning: string } | undefined;
  children: ReactNode;
}) {
  return (
    <p className={classes.facts}>
      <Badge tone={badge.tone} icon={badge.icon} isTurning={badge.isTurning}>
        {badge.label}
      </Badge>
      <span>
        <Moment value={createdAt} />
      </span>
      {children}
      {model === null ? null : (
        <span
          className={classes.model}
          title={builtIn === undefined ? model : `${model}: ${builtIn.meaning}`}
        >
          {builtIn?.name ?? model.slice(model.indexOf(":") + 1)}
        </span>
      )}
    </p>
  );
}

export function WrittenText({ children }: { children: ReactNode }) {
  return <p className={classes.text}>{children}</p>;
}

export function CardNote({ children }: { children: ReactNode }) {
  return <p className={classes.note}>{children}</p>;
}

/** What is written so far, how far that is, and a way to end it. */
export function WorkInProgress({
  title,
  written,
  percent,
  message,
  isCancelling,
  onCancel,
}: {
  title: string;
  written: string;
  percent: number;
  message: string;
  isCancelling: boolean;
  onCancel: () => void;
}) {
  return (
    <>
      {written === "" ? (
        <Skeleton height={13} width="92%" className={classes.skeleton} />
      ) : (
        <WrittenText>
          {written}
          <span className={classes.cursor} aria-hidden="true" />
        </WrittenText>
      )}
      <div className={classes.work}>
        <div className={classes.progress}>
          <Progress.Root size={6} className={classes.bar}>
            <Progress.Section value={percent} aria-label={`Progress of ${title}`} />
          </Progress.Root>
          <CardNote>{message}</CardNote>
        </div>
        <Button size="compact-sm" variant="default" loading={isCancelling} onClick={onCancel}>
          Cancel
        </Button>
      </div>
    </>
  );
}
