import type { Document } from "@millrace/contracts";
import { ActionIcon, Button, TextInput } from "@mantine/core";
import IconPencil from "@tabler/icons-react/dist/esm/icons/IconPencil.mjs";
import { useRef, useState } from "react";
import { focusOnMount } from "../feedback/focus-on-mount.ts";
import classes from "./title-editor.module.css";
import { useRename } from "./use-document-actions.ts";

const maxTitleLength = 255;

/** The title, and a field in its place while it is renamed: Enter keeps, Escape drops. */
export function TitleEditor({ document }: { document: Document }) {
  const rename = useRename(document.id);
  const [draft, setDraft] = useState<string>();
  const pencil = useRef<HTMLButtonElement>(null);
  const close = () => {
    setDraft(undefined);
    requestAnimationFrame(() => pencil.current?.focus());
  };
  if (draft === undefined) {
    return (
      <div className={classes.line}>
        <h1 className={classes.title}>{document.title}</h1>
        <ActionIcon
          ref={pencil}
          className={classes.pencil}
          variant="subtle"
          color="gray"
          aria-label="Rename"
          title="Rename"
          onClick={() => setDraft(document.title)}
        >
          <IconPencil size={17} />
        </ActionIcon>
      </div>
    );
  }
  return (
    <form
      className={classes.form}
      onSubmit={(event) => {
        event.preventDefault();
        const title = draft.trim();
        if (title === "") return;
        if (title !== document.title) rename.mutate(title);
        close();
      }}
    >
      <h1 className={classes.hidden}>{document.title}</h1>
      <TextInput
        className={classes.field}
        aria-label="Title"
        value={draft}
        maxLength={maxTitleLength}
        ref={focusOnMount}
        onFocus={(event) => event.currentTarget.select()}
        onChange={(event) => setDraft(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") close();
        }}
      />
      <Button type="submit" disabled={draft.trim() === ""}>
        Save
      </Button>
      <Button variant="default" onClick={close}>
        Cancel
      </Button>
    </form>
  );
}
