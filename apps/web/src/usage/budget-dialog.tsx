import type { Budget } from "@millrace/contracts";
import { TextInput } from "@mantine/core";
import { useState } from "react";
import { FormDialog } from "../parts/form-dialog.tsx";
import { useMonitorAction } from "../monitor/parts/use-monitor-action.ts";
import { budgetLimitLabels, budgetLimitNames, formOf, installationScope, readLimits } from "./budget-form.ts";
import type { BudgetLimitName } from "./budget-form.ts";
import { scopeLabel } from "./budget-scope.ts";
import { setBudget } from "./usage-requests.ts";
import type { BudgetLimits } from "./usage-requests.ts";

/** Sets the limits of a budget; without one, of a new one. */
export function BudgetDialog({ budget, onClose }: { budget: Budget | undefined; onClose: () => void }) {
  const [scope, setScope] = useState(budget?.scope ?? installationScope);
  const [form, setForm] = useState(() => formOf(budget?.limits));
  const [errors, setErrors] = useState<Readonly<Partial<Record<BudgetLimitName, string>>>>({});
  const save = useMonitorAction({
    run: (limits: BudgetLimits) => setBudget(scope.trim(), limits),
    done: () => `Budget set: ${scopeLabel(scope.trim())}`,
    refused: "Budget not set",
    onDone: onClose,
  });
  const submit = () => {
    const read = readLimits(form);
    if ("errors" in read) setErrors(read.errors);
    else save.mutate(read.limits);
  };
  return (
    <FormDialog
      title={budget === undefined ? "New budget" : `Budget: ${scopeLabel(budget.scope)}`}
      submitLabel="Set budget"
      isPending={save.isPending}
      onSubmit={submit}
      onClose={onClose}
    >
      {budget === undefined ? (
        <TextInput
          label="For"
          description={`The id of an owner, or “${installationScope}” for all calls together.`}
          required
          maxLength={200}
          value={scope}
          onChange={({ currentTarget }) => setScope(currentTarget.value)}
          data-autofocus
        />
      ) : null}
      <p>
        Together they take the place of what the settings say. An empty field is no limit; days and months are
        those of UTC.
      </p>
      {budgetLimitNames.map((name) => (
        <TextInput
          key={name}
          label={budgetLimitLabels[name]}
          inputMode="decimal"
          value={form[name]}
          error={errors[name]}
          onChange={({ currentTarget: { value } }) => {
            setForm((before) => ({ ...before, [name]: value }));
            setErrors((before) => ({ ...before, [name]: undefined }));
          }}
        />
      ))}
    </FormDialog>
  );
}
