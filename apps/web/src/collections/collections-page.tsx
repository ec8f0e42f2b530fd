import type { Collection } from "@millrace/contracts";
import { Button, Skeleton, TextInput } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import IconFiles from "@tabler/icons-react/dist/esm/icons/IconFiles.mjs";
import IconFolder from "@tabler/icons-react/dist/esm/icons/IconFolder.mjs";
import IconPlus from "@tabler/icons-react/dist/esm/icons/IconPlus.mjs";
import { useState } from "react";
import { ButtonLink } from "../parts/button-link.tsx";
import { LoadMore } from "../parts/load-more.tsx";
import classes from "../parts/simple-rows.module.css";
import { EmptyState } from "../feedback/empty-state.tsx";
import { LoadFailure } from "../feedback/load-failure.tsx";
import { countOf } from "../formatting/numbers.ts";
import { ConfirmDialog } from "../parts/confirm-dialog.tsx";
import { FormDialog } from "../parts/form-dialog.tsx";
import { PageHead } from "../parts/page-head.tsx";
import { useChangeCollection, useCollectionList } from "./use-collections.ts";

/** What is asked for just now. */
type Asked =
  | { readonly action: "create" }
  | { readonly action: "rename" | "delete"; readonly collection: Collection };

/** The named sets of documents: how many are in each, new ones, other names, and none. */
export function CollectionsPage() {
  const list = useCollectionList();
  const collections = list.data?.pages.flatMap((page) => page.data) ?? [];
  const [asked, setAsked] = useState<Asked>();
  const close = () => setAsked(undefined);
  const change = useChangeCollection(close);

  return (
    <>
      <PageHead
        title="Collections"
        actions={
          <>
            <ButtonLink to="/documents" variant="default" leftSection={<IconFiles size={17} />}>
              Documents
            </ButtonLink>
            <Button leftSection={<IconPlus size={17} />} onClick={() => setAsked({ action: "create" })}>
              New
            </Button>
          </>
        }
      />
      {list.isPending ? (
        <div aria-label="Loading collections" role="status">
          <Skeleton height={180} radius={12} />
        </div>
      ) : list.isError && collections.length === 0 ? (
        <LoadFailure what="The collections" error={list.error} onRetry={() => void list.refetch()} />
      ) : collections.length === 0 ? (
        <EmptyState icon={<IconFolder size={26} />} title="No collections yet">
          A collection keeps documents together under a name, to look through or to search by itself. A
          document may be in many.
        </EmptyState>
      ) : (
        <ul className={classes.list} aria-label="Collections, newest first">
          {collections.map((collection) => (
            <CollectionRow key={collection.id} collection={collection} onAsk={setAsked} />
          ))}
        </ul>
      )}
      <LoadMore list={list} />
      {asked === undefined || asked.action === "delete" ? null : (
        <NameDialog
          former={asked.action === "rename" ? asked.collection.name : undefined}
          isPending={change.isPending}
          onSubmit={(name) => change.mutate({ ...asked, name })}
          onClose={close}
        />
      )}
      {asked?.action === "delete" ? (
        <ConfirmDialog
          isOpen
          title="Delete this collection?"
          confirmLabel="Delete"
          cancelLabel="Keep it"
          isPending={change.isPending}
          onClose={close}
          onConfirm={() => change.mutate({ action: "delete", collection: asked.collection })}
        >
          <p>
            <strong>{asked.collection.name}</strong> is taken apart. The documents in it stay as they are.
          </p>
        </ConfirmDialog>
      ) : null}
    </>
  );
}

function CollectionRow({ collection, onAsk }: { collection: Collection; onAsk: (asked: Asked) => void }) {
  const { id, name, document_count: count } = collection;
  return (
    <li className={classes.row}>
      <IconFolder size={20} stroke={1.7} aria-hidden="true" />
      <div className={classes.body}>
        <p className={classes.title}>
          <Link to="/documents" search={{ collection: id }}>
            {name}
          </Link>
        </p>
        <p className={classes.facts}>{countOf(count, "document")}</p>
      </div>
      <Button
        size="compact-sm"
        variant="default"
        aria-label={`Rename ${name}`}
        onClick={() => onAsk({ action: "rename", collection })}
      >
        Rename
      </Button>
      <Button
        size="compact-sm"
        variant="default"
        aria-label={`Delete ${name}`}
        onClick={() => onAsk({ action: "delete", collection })}
      >
        Delete
      </Button>
    </li>
  );
}

function NameDialog({
  former,
  isPending,
  onSubmit,
  onClose,
}: {
  /** Undefined for a new one. */
  former: string | undefined;
  isPending: boolean;
  onSubmit: (name: string) => void;
  onClose: () => void;
}) {
  const [name, setName] = useState(former ?? "");
  return (
    <FormDialog
      title={former === undefined ? "New collection" : `Rename ${former}`}
      submitLabel={former === undefined ? "Make" : "Rename"}
      isPending={isPending}
      onSubmit={() => {
        if (name.trim() !== "") onSubmit(name);
      }}
      onClose={onClose}
    >
      <TextInput
        label="Name"
        data-autofocus
        maxLength={100}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
    </FormDialog>
  );
}
