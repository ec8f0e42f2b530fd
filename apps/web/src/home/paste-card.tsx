import { Button, Textarea } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { problemText } from "../api/problem.ts";
import { queryKeys } from "../api/query-keys.ts";
import { createTextDocument } from "../api/requests.ts";
import { isTyping } from "../app/shortcuts.ts";
import { newKey } from "../app/new-key.ts";
import { formatCount } from "../formatting/numbers.ts";
import classes from "./paste-card.module.css";

/** Text in, document out; what is pasted anywhere on the page lands here. A repeated press after a lost answer makes one document, not two. */
export function PasteCard() {
  const [text, setText] = useState("");
  const key = useRef<string>(undefined);
  const field = useRef<HTMLTextAreaElement>(null);
  const queries = useQueryClient();
  const navigate = useNavigate();
  const creation = useMutation({
    mutationFn: (content: string) => createTextDocument(content, (key.current ??= newKey())),
    onSuccess: ({ document }) => {
      setText("");
      key.current = undefined;
      void queries.invalidateQueries({ queryKey: queryKeys.collections });
      void navigate({ to: "/documents/$id", params: { id: document.id } });
    },
  });
  useEffect(() => {
    const onPaste = (event: ClipboardEvent) => {
      const pasted = isTyping(event.target) ? "" : (event.clipboardData?.getData("text/plain") ?? "");
      if (pasted.trim() === "") return;
      setText(pasted);
      key.current = undefined;
      field.current?.focus();
    };
    document.addEventListener("paste", onPaste);
    return () => document.removeEventListener("paste", onPaste);
  }, []);
  const isEmpty = text.trim() === "";
  const submit = () => {
    if (!isEmpty && !creation.isPending) creation.mutate(text);
  };
  return (
    <form
      className={classes.card}
      aria-label="Paste text"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <Textarea
        ref={field}
        className={classes.field}
        classNames={{ input: classes.input, wrapper: classes.wrapper }}
        aria-label="Text to process"
        placeholder="…or paste text here"
        value={text}
        error={creation.isError ? problemText(creation.error) : undefined}
        onChange={(event) => {
          setText(event.currentTarget.value);
          key.current = undefined;
          if (creation.isError) creation.reset();
        }}
        onKeyDown={(event) => {
          if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) {
            event.preventDefault();
            submit();
          }
        }}
      />
      <div className={classes.foot}>
        <span className={classes.hint}>
          {isEmpty ? (
            <span className={classes.keys}>{modifier()} + Enter processes it</span>
          ) : (
            `${formatCount(text.length)} characters`
          )}
        </span>
        <Button type="submit" disabled={isEmpty} loading={creation.isPending}>
          Process text
        </Button>
      </div>
    </form>
  );
}

function modifier(): string {
  return /Mac|iPhone|iPad/.test(navigator.userAgent) ? "⌘" : "Ctrl";
}
