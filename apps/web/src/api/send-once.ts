import { useState } from "react";
import { newKey } from "../app/new-key.ts";
import { isFinalRefusal } from "./problem.ts";

/**
 * Sends under a key which stays the same until it is known what became of it: after a lost answer the same once
 * more is the same request, so that it is done once. An answer, a refusal for good, or something else to send ends it.
 */
export function sendOnce<Given extends readonly unknown[], Answer>(
  send: (...given: [...Given, key: string]) => Promise<Answer>,
): (...given: Given) => Promise<Answer> {
  let open: { readonly content: string; readonly key: string } | undefined;
  return async (...given) => {
    const content = JSON.stringify(given);
    if (open?.content !== content) open = { content, key: newKey() };
    const attempt = open;
    const end = () => {
      if (open === attempt) open = undefined;
    };
    try {
      const answer = await send(...given, attempt.key);
      end();
      return answer;
    } catch (error) {
      if (isFinalRefusal(error)) end();
      throw error;
    }
  };
}

/** `sendOnce` for as long as a form or button is on screen. */
export function useSendOnce<Given extends readonly unknown[], Answer>(
  send: (...given: [...Given, key: string]) => Promise<Answer>,
): (...given: Given) => Promise<Answer> {
  const [once] = useState(() => sendOnce(send));
  return once;
}
