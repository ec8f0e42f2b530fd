import type { Document } from "@millrace/contracts";
import { Button, PasswordInput } from "@mantine/core";
import IconLock from "@tabler/icons-react/dist/esm/icons/IconLock.mjs";
import { useState } from "react";
import { problemText } from "../api/problem.ts";
import { focusOnMount } from "../feedback/focus-on-mount.ts";
import { Notice } from "../feedback/notice.tsx";
import classes from "./unlock-notice.module.css";
import { useUnlock } from "./use-document-actions.ts";

const maxPasswordLength = 255;

/** Asks for the password of a PDF; a wrong one is told of at the field. */
export function UnlockNotice({
  document,
  isAwaited,
  onSend,
}: {
  document: Document;
  /** The password was given on this page: who is told that it is wrong can type the next one at once. */
  isAwaited: boolean;
  onSend: () => void;
}) {
  const unlock = useUnlock(document.id);
  const [password, setPassword] = useState("");
  const [isChanged, setIsChanged] = useState(false);
  const wrong =
    document.processing_error_code === "pdf_password_wrong" && !isChanged
      ? "This password does not open the PDF. Check capital letters and the keyboard."
      : undefined;
  const problem = unlock.isError ? problemText(unlock.error) : wrong;
  return (
    <Notice tone="warn" icon={<IconLock size={19} />} title="This PDF is locked">
      <p>Its password is used to read the text, and is not kept after that.</p>
      <form
        className={classes.form}
        onSubmit={(event) => {
          event.preventDefault();
          if (password === "") return;
          // Before the answer: what is told live may come first, and take this form away.
          onSend();
          unlock.mutate(password);
        }}
      >
        <PasswordInput
          className={classes.field}
          label="Password"
          autoComplete="off"
          spellCheck={false}
          maxLength={maxPasswordLength}
          value={password}
          error={problem}
          // Its inner field does not take this from the error.
          aria-invalid={problem !== undefined}
          onChange={(event) => {
            setPassword(event.currentTarget.value);
            setIsChanged(true);
            if (unlock.isError) unlock.reset();
          }}
          {...(isAwaited ? { ref: focusOnMount } : {})}
        />
        <Button type="submit" className={classes.open} loading={unlock.isPending} disabled={password === ""}>
          Open
        </Button>
      </form>
    </Notice>
  );
}
