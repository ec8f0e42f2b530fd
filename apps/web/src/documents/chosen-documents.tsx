import type { DocumentChange, DocumentSelection } from "@millrace/contracts";
import { Button, Menu } from "@mantine/core";
import { useState } from "react";
import type { ReactNode } from "react";
import type { DocumentFilters } from "../api/requests.ts";
import { useHasTrash } from "../api/use-system.ts";
import { ChosenBar } from "../parts/chosen-bar.tsx";
import { countOf, formatCount } from "../formatting/numbers.ts";
import { ConfirmDialog } from "../parts/confirm-dialog.tsx";
import { CollectionDialog, TagDialog } from "./bulk-dialogs.tsx";
import { ExportItems } from "./export-menu.tsx";
import { useChangeMany, useMatchingCount } from "./use-organise.ts";

type Dialog = "tags" | "collection" | "trash" | "delete" | "reprocess";

/** What is chosen: these documents, or all that the filters leave. */
export type Chosen = { readonly ids: readonly string[] } | "all";

/** What can be done with the chosen documents. */
export function ChosenDocuments({
  chosen,
  filters,
  isTrash,
  onChooseAll,
  onClear,
}: {
  chosen: Chosen;
  filters: DocumentFilters;
  isTrash: boolean;
  /** Left out when all that there are can be seen and chosen one by one. */
  onChooseAll?: (() => void) | undefined;
  onClear: () => void;
}) {
  const [dialog, setDialog] = useState<Dialog | undefined>();
  const changing = useChangeMany(() => {
    setDialog(undefined);
    onClear();
  });
  const filter = selectionOf(chosen, filters, isTrash);
  const isAll = chosen === "all";
  const matching = useMatchingCount(filter, { isWanted: isAll });
  const count = isAll ? matching.data : chosen.ids.length;
  const words = wordsOf(count ?? 0, isAll);
  const submit = (change: DocumentChange) =>
    changing.mutate({ filter, change, expectedCount: isAll ? count : undefined });
  // Until it is counted nobody knows what there is to agree to.
  const button = { size: "compact-md", disabled: count === undefined || count === 0 } as const;
  const close = () => setDialog(undefined);
  const hasTrash = useHasTrash();
  return (
    <>
      <ChosenBar
        label="Chosen documents"
        count={
          <>
            {isAll ? <AllChosen matching={matching} /> : `${countOf(chosen.ids.length, "document")} chosen`}
            {isAll || onChooseAll === undefined ? null : (
              <Button size="compact-sm" variant="subtle" onClick={onChooseAll}>
                Choose all that match
              </Button>
            )}
          </>
        }
        onClear={onClear}
      >
        {isTrash ? (
          <>
            <Button
              {...button}
              loading={changing.isPending && dialog === undefined}
              onClick={() => submit({ action: "restore" })}
            >
              Restore
            </Button>
            <Button {...button} variant="default" onClick={() => setDialog("delete")}>
              Delete for good…
            </Button>
          </>
        ) : (
          <>
            <Button {...button} variant="default" onClick={() => setDialog("tags")}>
              Tags…
            </Button>
            <Button {...button} variant="default" onClick={() => setDialog("collection")}>
              Collection…
            </Button>
            <ExportChosen chosen={chosen} filters={filters} />
            <Button {...button} variant="default" onClick={() => setDialog("reprocess")}>
              Reprocess…
            </Button>
            <Button {...button} variant="default" onClick={() => setDialog("trash")}>
              Delete…
            </Button>
          </>
        )}
      </ChosenBar>
      {dialog === "tags" ? (
        <TagDialog words={words} isPending={changing.isPending} onSubmit={submit} onClose={close} />
      ) : null}
      {dialog === "collection" ? (
        <CollectionDialog words={words} isPending={changing.isPending} onSubmit={submit} onClose={close} />
      ) : null}
      {questionsOf(hasTrash).map(({ name, title, label, isDangerous, text }) => (
        <ConfirmDialog
          key={name}
          isOpen={dialog === name}
          title={title}
          confirmLabel={label}
          isDangerous={isDangerous}
          isPending={changing.isPending}
          onConfirm={() => submit({ action: name })}
          onClose={close}
        >
          {text(words)}
        </ConfirmDialog>
      ))}
    </>
  );
}

type Question = {
  readonly name: "trash" | "delete" | "reprocess";
  readonly title: string;
  readonly label: string;
  readonly isDangerous: boolean;
  readonly text: (words: string) => ReactNode;
};

const toTrash: Question = {
  name: "trash",
  title: "Delete the chosen documents?",
  label: "Move to the trash",
  isDangerous: true,
  text: (words) => (
    <p>
      This moves {words} to the trash, from where they can be restored as they are. Work on them is stopped.
    </p>
  ),
};

/** Where deleted documents are not kept, the same request deletes them. */
const withoutTrash: Question = {
  ...toTrash,
  label: "Delete",
  text: (words) => (
    <p>
      This deletes {words} with file, text, analysis and log. Work on them is stopped. It can't be undone.
    </p>
  ),
};

const questionsOf = (hasTrash: boolean): readonly Question[] => [
  hasTrash ? toTrash : withoutTrash,
  {
    name: "delete",
    title: "Delete for good?",
    label: "Delete for good",
    isDangerous: true,
    text: (words) => <p>This deletes {words} with file, text, analysis and log. It can't be undone.</p>,
  },
  {
    name: "reprocess",
    title: "Reprocess the chosen documents?",
    label: "Reprocess",
    isDangerous: false,
    text: (words) => (
      <p>
        Everything is done again for {words}, from the bytes on, and models are asked anew, which may cost
        something. Documents that are being worked on are left alone.
      </p>
    ),
  },
];

/** How many that are, once they are counted. */
function AllChosen({ matching }: { matching: ReturnType<typeof useMatchingCount> }) {
  if (matching.data !== undefined) return `All ${formatCount(matching.data)} that match chosen`;
  if (!matching.isError) return "Counting all that match…";
  return (
    <>
      All that match could not be counted
      <Button size="compact-sm" variant="subtle" onClick={() => void matching.refetch()}>
        Try again
      </Button>
    </>
  );
}

function wordsOf(count: number, isAll: boolean): string {
  if (!isAll) return countOf(count, "document");
  return count === 1 ? "the one document that matches" : `all ${countOf(count, "document")} that match`;
}

function ExportChosen({ chosen, filters }: { chosen: Chosen; filters: DocumentFilters }) {
  return (
    <Menu>
      <Menu.Target>
        <Button size="compact-md" variant="default">
          Export
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <ExportItems what={chosen === "all" ? filters : { id: chosen.ids.join(",") }} />
      </Menu.Dropdown>
    </Menu>
  );
}

function selectionOf(chosen: Chosen, filters: DocumentFilters, isTrash: boolean): DocumentSelection {
  if (chosen !== "all") return { ids: [...chosen.ids], trashed: isTrash };
  const { search, status, fileType, tag, collection } = filters;
  return { search, status, file_type: fileType, tag, collection, trashed: isTrash };
}
