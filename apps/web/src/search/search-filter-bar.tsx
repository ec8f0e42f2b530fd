import { Button, NativeSelect } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { LabelSelects } from "../documents/label-selects.tsx";
import { fileTypeLabels } from "../documents/statuses.ts";
import classes from "./search-filter-bar.module.css";
import { isNarrowed, readSearchFilters, sentimentChoices } from "./search-filters.ts";
import type { SearchFilters } from "./search-filters.ts";

const route = getRouteApi("/search");

/** Languages that are stemmed; any other can be asked for with language:xx in the query. */
const languages = [
  "ar",
  "da",
  "de",
  "en",
  "es",
  "fi",
  "fr",
  "hu",
  "it",
  "nl",
  "no",
  "pt",
  "ro",
  "ru",
  "sv",
  "tr",
];
const languageNames = new Intl.DisplayNames(["en"], { type: "language" });

const choices = {
  type: [
    { value: "", label: "Any type" },
    ...Object.entries(fileTypeLabels).map(([value, label]) => ({ value, label })),
  ],
  sentiment: [
    { value: "", label: "Any sentiment" },
    ...sentimentChoices.map((value) => ({ value, label: value.charAt(0).toUpperCase() + value.slice(1) })),
  ],
  language: [
    { value: "", label: "Any language" },
    ...languages.map((value) => ({ value, label: languageNames.of(value) ?? value })),
  ],
};
const selects = [
  { name: "type", label: "File type" },
  { name: "sentiment", label: "Sentiment" },
  { name: "language", label: "Language" },
] as const;
const days = [
  { name: "from", label: "Added from" },
  { name: "to", label: "until" },
] as const;

/** The filters, which live in the address: it can be kept, shared and reloaded. */
export function SearchFilterBar() {
  const filters = readSearchFilters(route.useSearch());
  const navigate = route.useNavigate();
  const change = (name: keyof SearchFilters, value: string) =>
    void navigate({
      search: (before) => ({ ...before, ...readSearchFilters({ ...before, [name]: value }) }),
      replace: true,
    });
  return (
    <div className={classes.bar} role="group" aria-label="Filter results">
      {selects.map(({ name, label }) => (
        <NativeSelect
          key={name}
          className={classes.choice}
          aria-label={label}
          data={choices[name]}
          value={filters[name] ?? ""}
          onChange={(event) => change(name, event.currentTarget.value)}
        />
      ))}
      <LabelSelects
        className={classes.choice}
        tag={filters.tag}
        collection={filters.collection}
        onChange={(changes) =>
          void navigate({
            search: (before) => ({ ...before, ...readSearchFilters({ ...before, ...changes }) }),
            replace: true,
          })
        }
      />
      <div className={classes.days}>
        {days.map(({ name, label }) => (
          <label key={name} className={classes.labelled}>
            {label}
            <input
              type="date"
              className={classes.date}
              value={filters[name] ?? ""}
              onChange={(event) => change(name, event.currentTarget.value)}
            />
          </label>
        ))}
      </div>
      <label className={classes.labelled}>
        <input
          type="checkbox"
          checked={filters.explain === "true"}
          onChange={(event) => change("explain", event.currentTarget.checked ? "true" : "")}
        />
        Explain scores
      </label>
      {isNarrowed(filters) ? (
        <Button
          variant="subtle"
          color="gray"
          size="compact-sm"
          onClick={() =>
            void navigate({ search: ({ q }) => ({ q, explain: filters.explain }), replace: true })
          }
        >
          Clear filters
        </Button>
      ) : null}
    </div>
  );
}
