import { useQueryClient } from "@tanstack/react-query";
import { useSystem } from "../api/use-system.ts";
import { TextForm } from "../parts/text-form.tsx";
import { askKeys } from "./ask-keys.ts";
import { createQuestion } from "./ask-requests.ts";

/** A question in, its answer below. */
export function AskForm({
  documentId,
}: {
  /** Undefined to ask all documents. */
  documentId: string | undefined;
}) {
  const system = useSystem();
  const queries = useQueryClient();
  return (
    <TextForm
      label={documentId === undefined ? "Ask your documents" : "Ask this document"}
      field={{
        "aria-label": "Question",
        placeholder: "What do you want to know?",
        autosize: true,
        minRows: 2,
        maxRows: 8,
        maxLength: 2000,
      }}
      sendsOnEnter
      hint={
        system?.models.chat.built_in === true
          ? "No model is connected: sentences of your documents are quoted"
          : "Answered from your documents only, with quotes that were looked up"
      }
      action="Ask"
      send={(question, key) =>
        createQuestion({ question, ...(documentId === undefined ? {} : { document_ids: [documentId] }) }, key)
      }
      onSent={() => void queries.invalidateQueries({ queryKey: askKeys.list })}
    />
  );
}
