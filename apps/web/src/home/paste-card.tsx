import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { queryKeys } from "../api/query-keys.ts";
import { createTextDocument } from "../api/requests.ts";
import { TextForm } from "../parts/text-form.tsx";
import classes from "./paste-card.module.css";

/** Text in, document out; what is pasted anywhere on the page lands here. */
export function PasteCard() {
  const queries = useQueryClient();
  const navigate = useNavigate();
  return (
    <TextForm
      label="Paste text"
      field={{
        className: classes.field,
        classNames: { input: classes.input, wrapper: classes.wrapper },
        "aria-label": "Text to process",
        placeholder: "…or paste text here",
      }}
      hint={<span className={classes.keys}>{modifier()} + Enter processes it</span>}
      action="Process text"
      takesPastes
      send={createTextDocument}
      onSent={() => void queries.invalidateQueries({ queryKey: queryKeys.collections })}
      onFollowed={({ document }) => void navigate({ to: "/documents/$id", params: { id: document.id } })}
    />
  );
}

function modifier(): string {
  return /Mac|iPhone|iPad/.test(navigator.userAgent) ? "⌘" : "Ctrl";
}
