import { Button, PasswordInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { isApiProblem, problemText } from "../api/problem.ts";
import { queryKeys } from "../api/query-keys.ts";
import { signIn } from "../api/requests.ts";
import type { Session } from "../api/requests.ts";
import { focusOnMount } from "../feedback/focus-on-mount.ts";
import { Mark } from "./mark.tsx";
import { usePageTitle } from "./page-title.ts";
import classes from "./sign-in-page.module.css";

/** Asks for the token once; the server answers with a session cookie. */
export function SignInPage() {
  usePageTitle("Sign in");
  const queries = useQueryClient();
  const [token, setToken] = useState("");
  const entering = useMutation({
    mutationFn: signIn,
    onSuccess: () => queries.setQueryData<Session>(queryKeys.session, { required: true, signed_in: true }),
  });
  return (
    <main className={classes.page}>
      <form
        className={classes.card}
        onSubmit={(event) => {
          event.preventDefault();
          if (token.trim() !== "") entering.mutate(token.trim());
        }}
      >
        <Mark size={44} />
        <h1 className={classes.title}>Sign in to Millrace</h1>
        <p className={classes.text}>
          Enter the token this server was started with: the value of <code>MILLRACE_TOKEN</code>.
        </p>
        {/* A name for password managers, which want one beside a secret. */}
        <input type="text" name="username" value="millrace" autoComplete="username" readOnly hidden />
        <PasswordInput
          label="Token"
          name="token"
          autoComplete="current-password"
          ref={focusOnMount}
          value={token}
          onChange={(event) => setToken(event.currentTarget.value)}
          error={entering.isError ? signInProblem(entering.error) : undefined}
        />
        <Button type="submit" fullWidth loading={entering.isPending} disabled={token.trim() === ""}>
          Sign in
        </Button>
      </form>
    </main>
  );
}

function signInProblem(error: unknown): string {
  if (isApiProblem(error) && (error.status === 401 || error.status === 403)) {
    return "This is not the token. Copy it from where the server was started and try again.";
  }
  return problemText(error);
}
