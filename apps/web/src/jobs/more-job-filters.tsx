import { Button, Popover } from "@mantine/core";
import IconAdjustmentsHorizontal from "@tabler/icons-react/dist/esm/icons/IconAdjustmentsHorizontal.mjs";
import { useId } from "react";
import { localText, momentOf } from "../formatting/date-field.ts";
import { useWorkers } from "../monitor/workers/use-workers.ts";
import type { JobFilters } from "./job-requests.ts";
import classes from "./more-job-filters.module.css";
import { TextFilter } from "./text-filter.tsx";

const names = [
  "search",
  "worker",
  "created_after",
  "created_before",
  "finished_after",
  "finished_before",
] as const;
type MoreFilters = Pick<JobFilters, (typeof names)[number]>;

const dateFields = [
  { name: "created_after", label: "Created from" },
  { name: "created_before", label: "Created until" },
  { name: "finished_after", label: "Ended from" },
  { name: "finished_before", label: "Ended until" },
] as const;

type Props = {
  readonly filters: MoreFilters;
  readonly onChange: (changes: MoreFilters) => void;
};

/** The filters that are needed less often. The button says how many of them hold. */
export function MoreJobFilters({ filters, onChange }: Props) {
  const count = names.filter((name) => filters[name] !== undefined).length;
  return (
    <Popover position="bottom-end" shadow="md" width="min(480px, 100vw - 24px)" trapFocus returnFocus>
      <Popover.Target>
        <Button
          px="xs"
          variant={count === 0 ? "default" : "light"}
          leftSection={<IconAdjustmentsHorizontal size={17} />}
        >
          {count === 0 ? "More filters" : `More filters: ${count}`}
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label="More filters">
        <Fields filters={filters} onChange={onChange} />
        {count === 0 ? null : (
          <Button
            className={classes.clear}
            variant="subtle"
            color="gray"
            size="compact-sm"
            onClick={() => onChange(Object.fromEntries(names.map((name) => [name, undefined])))}
          >
            Clear these
          </Button>
        )}
      </Popover.Dropdown>
    </Popover>
  );
}

function Fields({ filters, onChange }: Props) {
  const workersId = useId();
  const workers = new Set(useWorkers().data?.map(({ name }) => name));
  return (
    <div className={classes.fields}>
      <TextFilter
        type="search"
        label="Text"
        placeholder="Of task, tag or error"
        maxLength={200}
        value={filters.search}
        onChange={(search) => onChange({ search })}
        data-autofocus
      />
      <TextFilter
        type="search"
        label="Worker"
        placeholder="Name or id"
        maxLength={200}
        list={workersId}
        autoComplete="off"
        value={filters.worker}
        onChange={(worker) => onChange({ worker })}
      />
      <p className={classes.note}>These two look through the latest 10,000 jobs.</p>
      <datalist id={workersId}>
        {[...workers].toSorted().map((name) => (
          <option key={name}>{name}</option>
        ))}
      </datalist>
      {dateFields.map(({ name, label }) => (
        <TextFilter
          key={name}
          type="datetime-local"
          label={label}
          max="9999-12-31T23:59"
          value={filters[name]}
          write={localText}
          read={(text) => momentOf(text) ?? undefined}
          onChange={(moment) => onChange({ [name]: moment })}
        />
      ))}
    </div>
  );
}
