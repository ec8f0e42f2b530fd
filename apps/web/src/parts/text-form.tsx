import { Button, Textarea } from "@mantine/core";
import type { TextareaProps } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import type { ReactNode } from "react";
import { problemText } from "../api/problem.ts";
import { formatCount } from "../formatting/numbers.ts";
import { newKey } from "../app/new-key.ts";
import { isTyping } from "../app/shortcuts.ts";
import classes from "./text-form.module.css";

/** A text to be sent, also with Ctrl or ⌘ and Enter. A repeated press after a lost answer makes one thing, not two. */
export function TextForm<Made>({
  label,
  field,
  hint,
  action,
  takesPastes = false,
  sendsOnEnter = false,
  send,
  onSent,
  onFollowed,
}: {
  label: string;
  field: TextareaProps;
  /** What stands below while there is no text. */
  hint: ReactNode;
  /** What the button says. */
  action: string;
  /** What is pasted anywhere on the page lands here. */
  takesPastes?: boolean;
  /** Enter alone sends; with Shift it begins a line. For texts of a line or two. */
  sendsOnEnter?: boolean;
  send: (text: string, key: string) => Promise<Made>;
  /** Called also when the reader has left meanwhile. */
  onSent: (made: Made) => void;
  /** Called after it where the form is still there as it was sent: leads on without losing or undoing anything. */
  onFollowed?: (made: Made) => void;
}) {
  const [text, setText] = useState("");
  /** Of the text as it stands, once it was sent. */
  const key = useRef<string>(undefined);
  const input = useRef<HTMLTextAreaElement>(null);
  const change = (changed: string) => {
    setText(changed);
    key.current = undefined;
  };
  const sending = useMutation({
    mutationFn: (content: string) => send(content, (key.current ??= newKey())),
    onSuccess: (made) => onSent(made),
  });
  useEffect(() => {
    if (!takesPastes) return undefined;
    const onPaste = (event: ClipboardEvent) => {
      const pasted = isTyping(event.target) ? "" : (event.clipboardData?.getData("text/plain") ?? "");
      if (pasted.trim() === "") return;
      setText(pasted);
      key.current = undefined;
      input.current?.focus();
    };
    document.addEventListener("paste", onPaste);
    return () => document.removeEventListener("paste", onPaste);
  }, [takesPastes]);
  const isEmpty = text.trim() === "";
  const submit = () => {
    if (isEmpty || sending.isPending) return;
    sending.mutate(text, {
      // Given here, and not above, it is not called once the form is gone.
      onSuccess: (made) => {
        // The key goes with each change of the text: without one this is not what was sent.
        if (key.current === undefined) return;
        change("");
        onFollowed?.(made);
      },
    });
  };
  return (
    <form
      className={classes.card}
      aria-label={label}
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <Textarea
        {...field}
        ref={input}
        value={text}
        error={sending.isError ? problemText(sending.error) : undefined}
        onChange={(event) => {
          change(event.currentTarget.value);
          if (sending.isError) sending.reset();
        }}
        onKeyDown={(event) => {
          const { key: pressed, metaKey, ctrlKey, shiftKey, nativeEvent } = event;
          // The Enter that ends the writing of a Chinese or Japanese word is not meant.
          const isAlone = sendsOnEnter && !shiftKey && !nativeEvent.isComposing;
          if (pressed !== "Enter" || !(metaKey || ctrlKey || isAlone)) return;
          event.preventDefault();
          submit();
        }}
      />
      <div className={classes.foot}>
        <span className={classes.hint}>{isEmpty ? hint : `${formatCount(text.length)} characters`}</span>
        <Button type="submit" disabled={isEmpty} loading={sending.isPending}>
          {action}
        </Button>
      </div>
    </form>
  );
}
