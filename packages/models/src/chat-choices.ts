import { builtInChatModel, choiceName } from "./model-choice.ts";
import type { ModelChoice, Models } from "./models.ts";

/** The chat models that can be asked for by name: those that are set up, the first choice first, and the built-in one. */
export function chatChoices(models: Pick<Models, "endpoints">): ModelChoice[] {
  const chats = models
    .endpoints()
    .filter(({ kind }) => kind === "chat")
    .map(({ name, builtIn }) => ({ name, builtIn }));
  if (chats.some(({ builtIn }) => builtIn)) return chats;
  return [...chats, { name: choiceName({ provider: "builtin", model: builtInChatModel }), builtIn: true }];
}
