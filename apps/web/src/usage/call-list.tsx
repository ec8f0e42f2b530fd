import type { ModelCall } from "@millrace/contracts";
import { NativeSelect } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import rowClasses from "../parts/row.module.css";
import { EmptyState } from "../feedback/empty-state.tsx";
import IconFilterOff from "@tabler/icons-react/dist/esm/icons/IconFilterOff.mjs";
import { Moment } from "../formatting/moment.tsx";
import { formatDollars } from "../formatting/money.ts";
import { formatCount } from "../formatting/numbers.ts";
import { formatDuration } from "../formatting/time.ts";
import { DataTable } from "../parts/data-table.tsx";
import type { Column } from "../parts/data-table.tsx";
import { monitorKey } from "../monitor/parts/monitor-keys.ts";
import { PagedRows } from "../parts/paged-rows.tsx";
import { OutcomeBadge } from "./outcome-badge.tsx";
import { outcomeLabels, readOutcome } from "./outcomes.ts";
import { startOf, usualPeriod } from "./usage-days.ts";
import { listModelCalls } from "./usage-requests.ts";
import classes from "./usage-page.module.css";

const route = getRouteApi("/usage");
const pageSize = 25;

const columns: readonly Column<ModelCall>[] = [
  { key: "call", header: "Call", cell: (call) => <Name call={call} /> },
  {
    key: "outcome",
    header: "Outcome",
    width: "176px",
    cell: (call) => (
      <>
        <OutcomeBadge outcome={call.outcome} />
        {call.error_code === null ? null : <p className={rowClasses.below}>{call.error_code}</p>}
      </>
    ),
  },
  {
    key: "tokens",
    header: "Tokens read / written",
    kind: "number",
    width: "150px",
    cell: (call) => tokensOf(call),
  },
  { key: "cost", header: "Cost", kind: "number", width: "108px", cell: (call) => costOfCall(call) },
  {
    key: "took",
    header: "Took",
    kind: "number",
    width: "90px",
    cell: (call) => formatDuration(call.latency_ms),
  },
  { key: "at", header: "Called", width: "118px", cell: (call) => <Moment value={call.called_at} /> },
];

/** Each call, newest first, by outcome and model. */
export function CallList({ models }: { models: readonly string[] }) {
  const { days = usualPeriod, outcome, model } = route.useSearch();
  const list = useInfiniteQuery({
    queryKey: monitorKey("usage", "calls", days, outcome ?? null, model ?? null),
    queryFn: ({ pageParam, signal }) =>
      listModelCalls(
        { outcome, model, from: startOf(days, Date.now()), limit: pageSize, cursor: pageParam },
        signal,
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: (before) => before,
    meta: { isCostly: true },
  });
  return (
    <section aria-labelledby="calls">
      <div className={classes.sectionHead}>
        <h2 id="calls" className={classes.sectionTitle}>
          Calls
        </h2>
        <Filters models={models} />
      </div>
      <PagedRows what="The calls" list={list} none={<NoCalls />}>
        {(calls) => (
          <DataTable
            label="Calls of models, newest first"
            columns={columns}
            rows={calls}
            keyOf={(call) => call.id}
          />
        )}
      </PagedRows>
    </section>
  );
}

function Filters({ models }: { models: readonly string[] }) {
  const { outcome, model } = route.useSearch();
  const navigate = route.useNavigate();
  // A model of a link may not be among those of the time.
  const offered = model === undefined || models.includes(model) ? models : [model, ...models];
  return (
    <div className={classes.filters}>
      <NativeSelect
        aria-label="Outcome"
        data={[{ value: "", label: "Any outcome" }, ...outcomeLabels]}
        value={outcome ?? ""}
        onChange={({ currentTarget }) => {
          const wanted = readOutcome(currentTarget.value);
          void navigate({
            search: (before) => ({ ...before, outcome: wanted }),
            replace: true,
            resetScroll: false,
          });
        }}
      />
      <NativeSelect
        aria-label="Model"
        data={[{ value: "", label: "Any model" }, ...offered]}
        value={model ?? ""}
        onChange={({ currentTarget }) => {
          const wanted = currentTarget.value === "" ? undefined : currentTarget.value;
          void navigate({
            search: (before) => ({ ...before, model: wanted }),
            replace: true,
            resetScroll: false,
          });
        }}
      />
    </div>
  );
}

function Name({ call }: { call: ModelCall }) {
  const below = [
    call.kind === "embedding" ? "embedding" : undefined,
    call.prompt ?? undefined,
    call.step ?? undefined,
  ];
  return (
    <>
      {call.job_id === null ? (
        <span className={classes.name}>{call.purpose}</span>
      ) : (
        <Link to="/monitor/jobs/$id" params={{ id: call.job_id }} className={rowClasses.link}>
          {call.purpose}
        </Link>
      )}
      <p className={rowClasses.below}>
        {[call.model, ...below.filter((part) => part !== undefined)].join(" · ")}
      </p>
    </>
  );
}

function tokensOf({ input_tokens, output_tokens, cached_input_tokens }: ModelCall) {
  if (input_tokens === null && output_tokens === null) return "unknown";
  const shown = (count: number | null) => (count === null ? "unknown" : formatCount(count));
  return (
    <>
      {shown(input_tokens)} / {shown(output_tokens)}
      {cached_input_tokens === null || cached_input_tokens === 0 ? null : (
        <p className={rowClasses.below}>{formatCount(cached_input_tokens)} cached</p>
      )}
    </>
  );
}

function costOfCall({ outcome, cost, input_tokens }: ModelCall): string {
  if (cost !== null) return formatDollars(cost);
  // A call that failed before the model read anything was paid by nobody.
  return outcome === "answered" || input_tokens !== null ? "unknown" : "—";
}

function NoCalls() {
  const { outcome, model } = route.useSearch();
  const isFiltered = outcome !== undefined || model !== undefined;
  return (
    <EmptyState
      icon={<IconFilterOff size={26} />}
      title={isFiltered ? "No call fits these filters" : "No calls in this time"}
    />
  );
}
