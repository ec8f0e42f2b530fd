import { useQueryClient } from "@tanstack/react-query";
import { useSystem } from "../api/use-system.ts";
import { TextForm } from "../parts/text-form.tsx";
import { summaryKeys } from "./summary-keys.ts";
import { createSummary } from "./summary-requests.ts";

/** Text in, summary below. */
export function SummaryForm() {
  const system = useSystem();
  const queries = useQueryClient();
  return (
    <TextForm
      label="Summarise a text"
      field={{
        "aria-label": "Text to summarise",
        placeholder: "Paste a text here",
        autosize: true,
        minRows: 5,
        maxRows: 16,
      }}
      hint={
        system?.models.chat.built_in === true
          ? "No model is connected: sentences are taken out of the text"
          : "Up to a million characters"
      }
      action="Summarise"
      send={(text, key) => createSummary({ text }, key)}
      onSent={() => void queries.invalidateQueries({ queryKey: summaryKeys.list })}
    />
  );
}
