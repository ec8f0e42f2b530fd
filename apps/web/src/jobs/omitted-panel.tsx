import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { apiUrl } from "../api/client.ts";
import { problemText } from "../api/problem.ts";
import classes from "./json-panel.module.css";
import { fetchOmitted, omittedPath } from "./job-requests.ts";
import type { OmittedPart } from "./job-requests.ts";
import { JsonPanel } from "./json-panel.tsx";
import { Panel } from "./panel.tsx";

/** An input or a result that is too large to come with its job: it is fetched when somebody wants it. */
export function OmittedPanel({ title, id, part }: { title: string; id: string; part: OmittedPart }) {
  const loaded = useQuery({
    // Not among the keys that notices make old: it is large, and it stays as it is.
    queryKey: ["job-part", id, part],
    queryFn: ({ signal }) => fetchOmitted(id, part, signal),
    enabled: false,
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (loaded.isSuccess) return <JsonPanel title={title} value={loaded.data} none="It is empty." />;
  return (
    <Panel title={title}>
      <p className={classes.none}>
        {loaded.isError ? problemText(loaded.error) : "It is large, and is shown when you ask for it."}
      </p>
      <div className={classes.actions}>
        <Button
          size="compact-md"
          variant="default"
          loading={loaded.isFetching}
          onClick={() => void loaded.refetch()}
        >
          Show it
        </Button>
        <a href={apiUrl(omittedPath(id, part))} target="_blank" rel="noreferrer">
          Open as JSON
        </a>
      </div>
    </Panel>
  );
}
