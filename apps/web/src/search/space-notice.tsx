import type { EmbeddingSpace } from "@millrace/contracts";
import { Button } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { showDone } from "../feedback/toasts.ts";
import { formatDollars } from "../formatting/money.ts";
import { formatCount } from "../formatting/numbers.ts";
import { formatEta } from "../formatting/time.ts";
import { ProgressLine } from "../parts/progress-line.tsx";
import classes from "./space-notice.module.css";
import { listEmbeddingSpaces, setSpacePaused } from "./space-requests.ts";

const spacesKey = ["embedding-spaces"] as const;
const refetchMs = 3000;

/** While all passages get vectors of another model: how far that is, with pause and resume. Else nothing. */
export function SpaceNotice() {
  const spaces = useQuery({
    queryKey: spacesKey,
    queryFn: ({ signal }) => listEmbeddingSpaces(signal),
    refetchInterval: ({ state }) => (buildingOf(state.data?.data) === undefined ? false : refetchMs),
  });
  const queries = useQueryClient();
  const pause = useMutation<EmbeddingSpace, Error, { id: string; isPaused: boolean }>({
    mutationFn: ({ id, isPaused }) => setSpacePaused(id, isPaused),
    onSuccess: ({ paused_at: pausedAt }) => showDone(pausedAt === null ? "Goes on" : "Paused"),
    // Also after a refusal: it may have been completed meanwhile.
    onSettled: () => queries.invalidateQueries({ queryKey: spacesKey }),
  });
  const space = buildingOf(spaces.data?.data);
  if (space === undefined) return null;
  const active = spaces.data?.data.find(({ status }) => status === "active");
  const isPaused = space.paused_at !== null;
  const { done, total } = space.passages;
  return (
    <section className={classes.notice} aria-label="Change of the embedding model">
      <div className={classes.text}>
        <p className={classes.title}>
          {isPaused ? "Paused: search moves to" : "Search moves to"} <strong>{space.model}</strong>
        </p>
        <ProgressLine
          percent={total === 0 ? 0 : Math.min(100, (100 * done) / total)}
          label="Passages embedded anew"
          words={wordsOf(space, active)}
          isFailing={space.error !== null}
        />
        {space.error === null ? null : <p className={classes.error}>{space.error.message}</p>}
      </div>
      <Button
        variant="default"
        size="xs"
        loading={pause.isPending}
        onClick={() => pause.mutate({ id: space.id, isPaused: !isPaused })}
      >
        {isPaused ? "Resume" : "Pause"}
      </Button>
    </section>
  );
}

function buildingOf(spaces: readonly EmbeddingSpace[] | undefined): EmbeddingSpace | undefined {
  return spaces?.find(({ status }) => status === "building");
}

function wordsOf(space: EmbeddingSpace, active: EmbeddingSpace | undefined): string {
  const { done, total } = space.passages;
  const parts = [
    `${formatCount(done)} of ${formatCount(total)} passages`,
    formatEta(space.eta_seconds),
    space.estimated_cost === null || space.built_in
      ? undefined
      : `about ${formatDollars(space.estimated_cost)} in all`,
  ];
  const until = active === undefined ? "found by words until then" : `${active.model} answers until then`;
  return [...parts.filter((part) => part !== undefined), until].join(" · ");
}
