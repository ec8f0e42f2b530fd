import type { Document, DocumentChange } from "@millrace/contracts";
import { ActionIcon, Button, NativeSelect, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import IconX from "@tabler/icons-react/dist/esm/icons/IconX.mjs";
import { useId, useState } from "react";
import { queryKeys } from "../api/query-keys.ts";
import { showProblem } from "../feedback/toasts.ts";
import classes from "./document-labels.module.css";
import { changeDocument } from "./organise-requests.ts";
import { splitTags } from "./split-tags.ts";
import { useCollections, useTags } from "./use-organise.ts";

/** Tags and collections of one document, to look at and to change. */
export function DocumentLabels({ document }: { document: Document }) {
  const queries = useQueryClient();
  const change = useMutation({
    mutationFn: (wanted: DocumentChange) => changeDocument(document.id, wanted),
    onSettled: async () => {
      await queries.invalidateQueries({ queryKey: queryKeys.document(document.id) });
      void queries.invalidateQueries({ queryKey: queryKeys.collections });
    },
    onError: (error) => showProblem("Not changed", error),
  });
  return (
    <section className={classes.card} aria-labelledby="labels-heading">
      <h2 id="labels-heading">Tags and collections</h2>
      <Tags document={document} isPending={change.isPending} onChange={change.mutate} />
      <CollectionsOf document={document} isPending={change.isPending} onChange={change.mutate} />
    </section>
  );
}

type EditorProps = {
  readonly document: Document;
  readonly isPending: boolean;
  readonly onChange: (change: DocumentChange) => void;
};

function Tags({ document, isPending, onChange }: EditorProps) {
  const [text, setText] = useState("");
  const list = useId();
  const known = useTags();
  const { tags } = document;
  return (
    <>
      {tags.length === 0 ? null : (
        <ul className={classes.labels} aria-label="Tags">
          {tags.map((tag) => (
            <li key={tag}>
              <Link to="/documents" search={{ tag }}>
                {tag}
              </Link>
              <RemoveButton
                label={`Remove tag ${tag}`}
                isDisabled={isPending}
                onClick={() => onChange({ action: "untag", tags: [tag] })}
              />
            </li>
          ))}
        </ul>
      )}
      <form
        className={classes.form}
        onSubmit={(event) => {
          event.preventDefault();
          const added = splitTags(text);
          if (added.length > 0) onChange({ action: "tag", tags: added });
          setText("");
        }}
      >
        <TextInput
          className={classes.field}
          size="sm"
          aria-label="Add tags, with commas between"
          placeholder="Add tags"
          list={list}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        <datalist id={list}>
          {known.map(({ tag }) => (
            <option key={tag}>{tag}</option>
          ))}
        </datalist>
        <Button type="submit" size="sm" variant="default" loading={isPending}>
          Add
        </Button>
      </form>
    </>
  );
}

function CollectionsOf({ document, isPending, onChange }: EditorProps) {
  const { collections } = document;
  const ids = collections.map(({ id }) => id);
  const others = useCollections().filter(({ id }) => !ids.includes(id));
  return (
    <>
      {collections.length === 0 ? null : (
        <ul className={classes.labels} aria-label="Collections">
          {collections.map(({ id, name }) => (
            <li key={id} data-kind="collection">
              <Link to="/documents" search={{ collection: id }}>
                {name}
              </Link>
              <RemoveButton
                label={`Take out of ${name}`}
                isDisabled={isPending}
                onClick={() => onChange({ action: "remove_from_collection", collection: id })}
              />
            </li>
          ))}
        </ul>
      )}
      {others.length === 0 ? null : (
        <NativeSelect
          size="sm"
          aria-label="Put into a collection"
          disabled={isPending}
          data={[
            { value: "", label: "Put into a collection…" },
            ...others.map(({ id, name }) => ({ value: id, label: name })),
          ]}
          value=""
          onChange={(event) => {
            const id = event.currentTarget.value;
            if (id !== "") onChange({ action: "add_to_collection", collection: id });
          }}
        />
      )}
    </>
  );
}

function RemoveButton({
  label,
  isDisabled,
  onClick,
}: {
  label: string;
  isDisabled: boolean;
  onClick: () => void;
}) {
  return (
    <ActionIcon
      size={24}
      variant="transparent"
      color="gray"
      aria-label={label}
      disabled={isDisabled}
      onClick={onClick}
    >
      <IconX size={14} />
    </ActionIcon>
  );
}
