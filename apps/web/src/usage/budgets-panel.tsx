import type { Budget } from "@millrace/contracts";
import { Button, Progress } from "@mantine/core";
import IconAlertTriangle from "@tabler/icons-react/dist/esm/icons/IconAlertTriangle.mjs";
import IconCircleCheck from "@tabler/icons-react/dist/esm/icons/IconCircleCheck.mjs";
import IconHandStop from "@tabler/icons-react/dist/esm/icons/IconHandStop.mjs";
import { useState } from "react";
import { Badge } from "../feedback/badge.tsx";
import type { BadgeTone } from "../feedback/badge.tsx";
import { Moment } from "../formatting/moment.tsx";
import { Panel } from "../jobs/panel.tsx";
import { ConfirmDialog } from "../parts/confirm-dialog.tsx";
import { Answered } from "../parts/states.tsx";
import { useMonitorAction } from "../monitor/parts/use-monitor-action.ts";
import { useMonitorQuery } from "../monitor/parts/use-monitor-query.ts";
import { barsOf } from "./budget-bars.ts";
import { BudgetDialog } from "./budget-dialog.tsx";
import { scopeLabel } from "./budget-scope.ts";
import classes from "./budgets-panel.module.css";
import { listBudgets, removeBudget } from "./usage-requests.ts";

const looks: Readonly<
  Record<Budget["state"], { label: string; tone: BadgeTone; icon: typeof IconHandStop; color: string }>
> = {
  ok: { label: "Within", tone: "good", icon: IconCircleCheck, color: "var(--accent-fill)" },
  near: { label: "Nearly used up", tone: "warn", icon: IconAlertTriangle, color: "var(--warn)" },
  exceeded: { label: "Calls are refused", tone: "bad", icon: IconHandStop, color: "var(--bad)" },
};

type Wish = { readonly kind: "set"; readonly budget?: Budget } | { readonly kind: "remove"; budget: Budget };

/** How much model calls may cost, how much of it is used, and the way to change it. */
export function BudgetsPanel() {
  const budgets = useMonitorQuery(["usage", "budgets"], listBudgets);
  const [wish, setWish] = useState<Wish | undefined>();
  const close = () => setWish(undefined);
  return (
    <Panel
      title="Budgets"
      aside={
        <Button size="xs" variant="default" onClick={() => setWish({ kind: "set" })}>
          New budget
        </Button>
      }
      isBare
    >
      <Answered what="The budgets" query={budgets}>
        {({ data }) =>
          data.length === 0 ? (
            <p className={classes.none}>
              No budget: calls are limited by nothing here. A budget warns before it is used up, and then has
              analyses wait for the next day or month.
            </p>
          ) : (
            <ul className={classes.list}>
              {data.map((budget) => (
                <BudgetItem key={budget.scope} budget={budget} onWish={setWish} />
              ))}
            </ul>
          )
        }
      </Answered>
      {wish?.kind === "set" ? <BudgetDialog budget={wish.budget} onClose={close} /> : null}
      {wish?.kind === "remove" ? <RemoveDialog budget={wish.budget} onClose={close} /> : null}
    </Panel>
  );
}

function BudgetItem({ budget, onWish }: { budget: Budget; onWish: (wish: Wish) => void }) {
  const { label, tone, icon: Icon } = looks[budget.state];
  const name = scopeLabel(budget.scope);
  return (
    <li className={classes.budget}>
      <div className={classes.head}>
        <h3 className={classes.name}>{name}</h3>
        <Badge tone={tone} icon={<Icon size={15} stroke={2} />}>
          {label}
        </Badge>
        <span className={classes.actions}>
          <Button
            size="compact-sm"
            variant="default"
            aria-label={`Change: ${name}`}
            onClick={() => onWish({ kind: "set", budget })}
          >
            Change
          </Button>
          {budget.changed_at === null ? null : (
            <Button
              size="compact-sm"
              variant="default"
              aria-label={`Remove: ${name}`}
              onClick={() => onWish({ kind: "remove", budget })}
            >
              Remove
            </Button>
          )}
        </span>
      </div>
      <div className={classes.bars}>
        {barsOf(budget).map((bar) => (
          <div key={bar.name}>
            <p className={classes.limit}>{bar.label}</p>
            <Progress.Root size={7} className={classes.bar}>
              <Progress.Section
                value={bar.percent}
                color={looks[bar.tone].color}
                aria-label={`${bar.label}: ${name}`}
              />
            </Progress.Root>
            <p className={classes.words}>{bar.words}</p>
          </div>
        ))}
      </div>
      <p className={classes.by}>
        {budget.changed_at === null ? (
          "As the settings say."
        ) : (
          <>
            Set by {budget.changed_by ?? "somebody"}, <Moment value={budget.changed_at} />.
          </>
        )}
      </p>
    </li>
  );
}

function RemoveDialog({ budget, onClose }: { budget: Budget; onClose: () => void }) {
  const removal = useMonitorAction<string, void>({
    run: removeBudget,
    done: () => `Budget removed: ${scopeLabel(budget.scope)}`,
    refused: "Not removed",
    onDone: onClose,
  });
  return (
    <ConfirmDialog
      title="Remove this budget?"
      isOpen
      onClose={onClose}
      onConfirm={() => removal.mutate(budget.scope)}
      isPending={removal.isPending}
      confirmLabel="Remove"
      cancelLabel="Keep it"
    >
      <p>
        <strong>{scopeLabel(budget.scope)}</strong>: the settings hold again within five seconds. Where they
        set no limit, there is none.
      </p>
    </ConfirmDialog>
  );
}
