import { NativeSelect, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { getRouteApi } from "@tanstack/react-router";
import IconSearch from "@tabler/icons-react/dist/esm/icons/IconSearch.mjs";
import { useState } from "react";
import classes from "./document-filter-bar.module.css";
import { LabelSelects } from "./label-selects.tsx";
import { fileTypeLabels, readFileType, readStatus, statusLabels } from "./statuses.ts";

const route = getRouteApi("/documents");

const statusChoices = [
  { value: "", label: "Any status" },
  ...Object.entries(statusLabels).map(([value, label]) => ({ value, label })),
];
const typeChoices = [
  { value: "", label: "Any type" },
  ...Object.entries(fileTypeLabels).map(([value, label]) => ({ value, label })),
];

/** The filters, which live in the address: it can be kept, shared and reloaded. */
export function DocumentFilterBar() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const [text, setText] = useState(search.q ?? "");
  // The address may change without this box: back, forward, "clear filters".
  const [shownFor, setShownFor] = useState(search.q);
  if (search.q !== shownFor) {
    setShownFor(search.q);
    if (text.trim() !== (search.q ?? "")) setText(search.q ?? "");
  }
  const change = (changes: Partial<typeof search>) =>
    void navigate({ search: (before) => ({ ...before, ...changes, cursor: undefined }), replace: true });
  const changeText = useDebouncedCallback(
    (q: string) => change({ q: q.trim() === "" ? undefined : q.trim() }),
    250,
  );
  return (
    <div className={classes.bar} role="search" aria-label="Filter documents">
      <TextInput
        className={classes.search}
        type="search"
        aria-label="Title contains"
        placeholder="Title contains…"
        leftSection={<IconSearch size={16} aria-hidden="true" />}
        value={text}
        onChange={(event) => {
          setText(event.currentTarget.value);
          changeText(event.currentTarget.value);
        }}
      />
      <NativeSelect
        className={classes.choice}
        aria-label="Status"
        data={statusChoices}
        value={search.status ?? ""}
        onChange={(event) => change({ status: readStatus(event.currentTarget.value) })}
      />
      <NativeSelect
        className={classes.choice}
        aria-label="File type"
        data={typeChoices}
        value={search.type ?? ""}
        onChange={(event) => change({ type: readFileType(event.currentTarget.value) })}
      />
      <LabelSelects
        className={classes.choice}
        tag={search.tag}
        collection={search.collection}
        onChange={change}
      />
    </div>
  );
}
