import type { Task, UpdateTaskLimits } from "@millrace/contracts";

type LimitName = keyof Task["limits"];
export type LimitTexts = Record<LimitName, string>;

type Field = {
  readonly name: LimitName;
  readonly label: string;
  readonly placeholder: (declared: Task["limits"][LimitName]) => string;
};

const says = (declared: Task["limits"][LimitName]): string => {
  const value = typeof declared === "object" ? declared?.limit : String(declared);
  return `The program says: ${value ?? "no limit"}`;
};

export const limitFields: readonly Field[] = [
  { name: "rate_limit", label: "Starts per time, over all workers", placeholder: says },
  { name: "concurrency", label: "Jobs at once, over all workers", placeholder: says },
  { name: "key_rate_limit", label: "Starts per time, for each key", placeholder: says },
  { name: "key_concurrency", label: "Jobs at once, for each key", placeholder: says },
];

/** What people have set, as they would write it; empty where the program's own limit holds. */
export function textsOf(task: Task): LimitTexts {
  const text = (name: LimitName): string => {
    if (!task.live_limits.includes(name)) return "";
    const value = task.limits[name];
    if (value === null) return "none";
    return typeof value === "number" ? String(value) : value.limit;
  };
  return {
    rate_limit: text("rate_limit"),
    key_rate_limit: text("key_rate_limit"),
    concurrency: text("concurrency"),
    key_concurrency: text("key_concurrency"),
  };
}

/** Only what was changed, as the API wants it; or what is wrong with it, as a text. */
export function changedLimits(before: LimitTexts, after: LimitTexts): UpdateTaskLimits | string {
  const changes: UpdateTaskLimits = {};
  for (const name of ["rate_limit", "key_rate_limit"] as const) {
    const text = after[name].trim();
    if (text !== before[name]) changes[name] = text === "" ? null : text;
  }
  for (const name of ["concurrency", "key_concurrency"] as const) {
    const text = after[name].trim();
    if (text === before[name]) continue;
    if (text === "" || text === "none") changes[name] = text === "" ? null : text;
    else if (/^\d+$/.test(text)) changes[name] = Number(text);
    else return `“${text}” is no number of jobs. Give a whole number, “none”, or leave it empty.`;
  }
  return changes;
}
