import type { Usage } from "@millrace/contracts";
import { NativeSelect, VisuallyHidden } from "@mantine/core";
import { useState } from "react";
import { costWords } from "../formatting/money.ts";
import { countOf, formatCount } from "../formatting/numbers.ts";
import { useNow } from "../formatting/use-now.ts";
import { Panel } from "../jobs/panel.tsx";
import classes from "./day-chart.module.css";
import { everyDay, measured, measures, usualMeasure } from "./usage-days.ts";
import type { Measure, Period, UsageDay, UsageSums } from "./usage-days.ts";

const measureLabels: Readonly<Record<Measure, string>> = { cost: "Cost", tokens: "Tokens", calls: "Calls" };

/** Days are those of UTC wherever the reader is. */
const dayFormat = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", timeZone: "UTC" });
const nameOf = (day: string) => dayFormat.format(Date.parse(`${day}T00:00:00Z`));

/** A bar for each day. Each says its numbers to those who listen, and on hover. */
export function DayChart({ usage, period }: { usage: Usage; period: Period }) {
  const [chosen, setChosen] = useState<Measure | undefined>();
  const now = useNow();
  const measure = chosen ?? usualMeasure(usage.total);
  const days = everyDay(usage.data, period, now);
  const top = Math.max(...days.map(({ sums }) => measured(sums, measure)));
  const highest = days.find(({ sums }) => top > 0 && measured(sums, measure) === top);
  return (
    <Panel
      title="By day"
      aside={
        <NativeSelect
          size="xs"
          aria-label="What the bars show"
          data={measures.map((value) => ({ value, label: measureLabels[value] }))}
          value={measure}
          onChange={({ currentTarget }) => setChosen(measures.find((name) => name === currentTarget.value))}
        />
      }
    >
      <p className={classes.top}>
        {highest?.sums === undefined
          ? `Nothing is known of ${measure === "cost" ? "the cost" : measure} of any of these days.`
          : `The highest: ${wordsOf(highest.sums, measure)} on ${nameOf(highest.day)}`}
      </p>
      <ol className={classes.bars}>
        {days.map((day) => (
          <Bar key={day.day} day={day} measure={measure} top={top} />
        ))}
      </ol>
      <p className={classes.scale} aria-hidden="true">
        <span>{nameOf(days[0]?.day ?? "")}</span>
        <span>today, UTC</span>
      </p>
    </Panel>
  );
}

function Bar({ day: { day, sums }, measure, top }: { day: UsageDay; measure: Measure; top: number }) {
  const words =
    sums === undefined
      ? `${nameOf(day)}: no calls`
      : `${nameOf(day)}: ${wordsOf(sums, measure)}${measure === "calls" ? "" : `, ${countOf(sums.calls, "call")}`}`;
  const share = top === 0 ? 0 : measured(sums, measure) / top;
  const isUnknown = measure === "cost" && (sums?.unpriced ?? 0) > 0;
  return (
    <li className={classes.day} title={words}>
      <span
        className={classes.bar}
        data-unknown={isUnknown || undefined}
        style={{ height: `${share * 100}%` }}
        aria-hidden="true"
      />
      <VisuallyHidden>{words}</VisuallyHidden>
    </li>
  );
}

function wordsOf(sums: UsageSums, measure: Measure): string {
  if (measure === "cost") return sums.answered === 0 ? "nothing was paid" : costWords(sums);
  return measure === "calls"
    ? countOf(sums.calls, "call")
    : `${formatCount(measured(sums, "tokens"))} tokens`;
}
