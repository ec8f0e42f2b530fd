import { Button } from "@mantine/core";
import type { ButtonProps } from "@mantine/core";
import { createLink } from "@tanstack/react-router";
import type { AnchorHTMLAttributes } from "react";
import { problemText } from "../api/problem.ts";
import classes from "./load-more.module.css";

/** What a list knows of its next page. */
type NextPage = { readonly isFetchNextPageError: boolean; readonly error: unknown };

/** The end of a list that has more: loads its next page below. */
export function LoadMore({
  list,
}: {
  list: NextPage & {
    readonly hasNextPage: boolean;
    readonly isFetchingNextPage: boolean;
    readonly fetchNextPage: () => Promise<unknown>;
  };
}) {
  if (!list.hasNextPage) return null;
  return (
    <div className={classes.more}>
      <Button variant="default" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
        Load more
      </Button>
      <NextPageProblem list={list} />
    </div>
  );
}

/** Why the next page did not come, until it is asked for again. */
export function NextPageProblem({ list }: { list: NextPage }) {
  if (!list.isFetchNextPageError) return null;
  return (
    <p className={classes.problem} role="alert">
      {problemText(list.error)}
    </p>
  );
}

type LinkProps = Omit<AnchorHTMLAttributes<HTMLAnchorElement>, keyof ButtonProps> & {
  list: NextPage & { readonly isFetchingNextPage: boolean };
  /** Undefined: as much as a page should hold is there, the next page is one of its own. */
  onLoad: (() => void) | undefined;
};

/** The same as a link, so that the next page can be opened in a tab; a click adds it here instead. */
export const LoadMoreLink = createLink(({ list, onLoad, onClick, ...props }: LinkProps) => (
  <div className={classes.more}>
    <Button
      component="a"
      variant="default"
      loading={list.isFetchingNextPage}
      {...props}
      onClick={(event) => {
        const isForTab = event.metaKey || event.ctrlKey || event.shiftKey;
        if (onLoad === undefined || isForTab) return onClick?.(event);
        event.preventDefault();
        onLoad();
      }}
    >
      Load more
    </Button>
    <NextPageProblem list={list} />
  </div>
));
