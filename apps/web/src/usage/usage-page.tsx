import type { Usage } from "@millrace/contracts";
import { NativeSelect } from "@mantine/core";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import IconCoins from "@tabler/icons-react/dist/esm/icons/IconCoins.mjs";
import { EmptyState } from "../feedback/empty-state.tsx";
import { costWords } from "../formatting/money.ts";
import { countOf, formatCount } from "../formatting/numbers.ts";
import { FigureList } from "../parts/figure-list.tsx";
import { monitorKey } from "../monitor/parts/monitor-keys.ts";
import { PageHead } from "../parts/page-head.tsx";
import { Answered } from "../parts/states.tsx";
import { BudgetsPanel } from "./budgets-panel.tsx";
import { CallList } from "./call-list.tsx";
import { DayChart } from "./day-chart.tsx";
import { periods, readPeriod, startOf, usualPeriod } from "./usage-days.ts";
import type { Period } from "./usage-days.ts";
import classes from "./usage-page.module.css";
import { fetchUsage } from "./usage-requests.ts";
import { UsageTable } from "./usage-table.tsx";

const route = getRouteApi("/usage");

/** Sums over many calls cost the server work, and move slowly. */
const renewMs = 30_000;

/** What calls of models used and cost, and the budgets that hold for them. */
export function UsagePage() {
  const { days = usualPeriod } = route.useSearch();
  const navigate = route.useNavigate();
  const byDay = useUsage("day", days);
  return (
    <>
      <PageHead
        title="Usage"
        note="What calls of models used and cost. The built-in models cost nothing."
        actions={
          <NativeSelect
            aria-label="Time"
            data={periods.map((period) => ({ value: period, label: `Last ${period} days` }))}
            value={days}
            onChange={({ currentTarget }) => {
              const wanted = readPeriod(currentTarget.value);
              void navigate({ search: (before) => ({ ...before, days: wanted }), replace: true });
            }}
          />
        }
      />
      <div className={classes.page}>
        <Answered what="The usage" query={byDay}>
          {(usage) => (usage.total.calls === 0 ? <NoCalls /> : <Sums usage={usage} period={days} />)}
        </Answered>
        <BudgetsPanel />
        {byDay.data === undefined || byDay.data.total.calls === 0 ? null : <Details period={days} />}
      </div>
    </>
  );
}

function useUsage(by: string, period: Period) {
  return useQuery({
    queryKey: monitorKey("usage", "sums", by, period),
    queryFn: ({ signal }) => fetchUsage(by, startOf(period, Date.now()), signal),
    refetchInterval: renewMs,
    placeholderData: keepPreviousData,
    meta: { isCostly: true },
  });
}

function Sums({ usage, period }: { usage: Usage; period: Period }) {
  const { total, charged } = usage;
  const lost = [
    total.failed === 0 ? undefined : `${formatCount(total.failed)} failed`,
    total.cancelled === 0 ? undefined : `${formatCount(total.cancelled)} cancelled`,
  ].filter((part) => part !== undefined);
  return (
    <>
      <FigureList
        figures={[
          {
            label: "Cost",
            value: total.answered === 0 ? "—" : costWords(total),
            note:
              total.unpriced === 0
                ? "All prices are known"
                : `${countOf(total.unpriced, "call")} without a known price`,
          },
          {
            label: "Calls",
            value: formatCount(total.calls),
            note: lost.length === 0 ? "None failed" : lost.join(", "),
          },
          {
            label: "Tokens read",
            value: formatCount(total.input_tokens),
            note: `${formatCount(total.cached_input_tokens)} from servers’ own caches`,
          },
          { label: "Tokens written", value: formatCount(total.output_tokens) },
          {
            label: "Saved",
            value: countOf(total.saved, "call"),
            note: "The answer was stored, or on its way",
          },
        ]}
      />
      <p className={classes.charged}>
        {charged.steps === 0
          ? "Nothing was charged to steps of jobs."
          : `Charged: ${costWords(charged)} for ${countOf(charged.steps, "step")} of jobs. A call that was made again because its process died is charged once.`}
      </p>
      <DayChart usage={usage} period={period} />
    </>
  );
}

function Details({ period }: { period: Period }) {
  const usage = useUsage("model,purpose", period);
  return (
    <>
      <section aria-labelledby="models">
        <div className={classes.sectionHead}>
          <h2 id="models" className={classes.sectionTitle}>
            By model and purpose
          </h2>
        </div>
        <Answered what="The sums by model" query={usage}>
          {({ data }) => <UsageTable rows={data} />}
        </Answered>
      </section>
      <CallList models={modelsOf(usage.data)} />
    </>
  );
}

function modelsOf(usage: Usage | undefined): string[] {
  const models = (usage?.data ?? []).flatMap(({ model }) => (model === null ? [] : [model]));
  return [...new Set(models)].toSorted();
}

function NoCalls() {
  return (
    <EmptyState icon={<IconCoins size={26} />} title="No calls of models in this time">
      Each call of a model appears here with its tokens and what it cost. Choose a longer time, or connect a
      model: the settings CHAT_URL and CHAT_MODEL, or a provider’s key.
    </EmptyState>
  );
}
