import type { DocumentChange } from "@millrace/contracts";
import { NativeSelect, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useId, useState } from "react";
import { showProblem } from "../feedback/toasts.ts";
import { FormDialog } from "../parts/form-dialog.tsx";
import classes from "./bulk-dialogs.module.css";
import { createCollection, organiseKeys } from "./organise-requests.ts";
import { splitTags } from "./split-tags.ts";
import { useCollections, useTags } from "./use-organise.ts";

type DialogProps = {
  /** What is meant, such as "3 documents". */
  readonly words: string;
  readonly isPending: boolean;
  readonly onSubmit: (change: DocumentChange) => void;
  readonly onClose: () => void;
};

/** Tags to give to many documents, or to take from them. */
export function TagDialog({ words, isPending, onSubmit, onClose }: DialogProps) {
  const [text, setText] = useState("");
  const [action, setAction] = useState<"tag" | "untag">("tag");
  const list = useId();
  const tags = splitTags(text);
  return (
    <FormDialog
      title={`Tags of ${words}`}
      submitLabel={action === "tag" ? "Add tags" : "Take away"}
      isPending={isPending}
      onSubmit={() => {
        if (tags.length > 0) onSubmit({ action, tags });
      }}
      onClose={onClose}
    >
      <div className={classes.fields}>
        <NativeSelect
          label="What to do"
          data={[
            { value: "tag", label: "Add these tags" },
            { value: "untag", label: "Take these tags away" },
          ]}
          value={action}
          onChange={(event) => setAction(event.currentTarget.value === "untag" ? "untag" : "tag")}
        />
        <TextInput
          label="Tags"
          description="With commas between"
          data-autofocus
          list={list}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        <datalist id={list}>
          {useTags().map(({ tag }) => (
            <option key={tag}>{tag}</option>
          ))}
        </datalist>
      </div>
    </FormDialog>
  );
}

const newCollection = "";

/** A collection, old or new, to put many documents into or take them out of. */
export function CollectionDialog({ words, isPending, onSubmit, onClose }: DialogProps) {
  const collections = useCollections();
  const queries = useQueryClient();
  const [chosen, setChosen] = useState<string | undefined>();
  const [name, setName] = useState("");
  const [action, setAction] = useState<"add_to_collection" | "remove_from_collection">("add_to_collection");
  const collection = chosen ?? collections[0]?.id ?? newCollection;
  const making = useMutation({
    mutationFn: () => createCollection(name),
    onSuccess: ({ id }) => {
      void queries.invalidateQueries({ queryKey: organiseKeys.collections });
      onSubmit({ action: "add_to_collection", collection: id });
    },
    onError: (error) => showProblem("No collection was made", error),
  });
  const isNew = collection === newCollection;
  return (
    <FormDialog
      title={`Collections of ${words}`}
      submitLabel={isNew || action === "add_to_collection" ? "Put in" : "Take out"}
      isPending={isPending || making.isPending}
      onSubmit={() => {
        if (!isNew) onSubmit({ action, collection });
        else if (name.trim() !== "") making.mutate();
      }}
      onClose={onClose}
    >
      <div className={classes.fields}>
        <NativeSelect
          label="Collection"
          data={[
            ...collections.map(({ id, name: label }) => ({ value: id, label })),
            { value: newCollection, label: "New collection…" },
          ]}
          value={collection}
          onChange={(event) => setChosen(event.currentTarget.value)}
        />
        {isNew ? (
          <TextInput
            label="Name"
            maxLength={100}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
        ) : (
          <NativeSelect
            label="What to do"
            data={[
              { value: "add_to_collection", label: "Put them in" },
              { value: "remove_from_collection", label: "Take them out" },
            ]}
            value={action}
            onChange={(event) =>
              setAction(
                event.currentTarget.value === "add_to_collection"
                  ? "add_to_collection"
                  : "remove_from_collection",
              )
            }
          />
        )}
      </div>
    </FormDialog>
  );
}
