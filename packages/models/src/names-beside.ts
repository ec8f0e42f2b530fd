import type { ErrorItem } from "@millrace/kernel";
import { choiceName, ownChoice } from "./model-choice.ts";
import type { ChatChoice, EmbeddingChoice, OwnModels } from "./model-choice.ts";
import { chatChoiceNamed } from "./named-choice.ts";
import type { ModelSettings } from "./settings.ts";

/** More names would bury the rest of a notice: a price list may have hundreds. */
const mostListed = 5;

/** Names of models that others than the choice itself give: a name that means nobody would be without any effect. */
export type NamesBeside = {
  /** Of MODEL_LIMITS. */
  readonly limits: readonly string[];
  /** Of MODEL_PRICES and `models.prices`: endpoints, or models without their provider. */
  readonly prices: readonly string[];
};

type SetUp = {
  readonly settings: ModelSettings;
  readonly own: OwnModels;
  readonly choices: readonly (ChatChoice | EmbeddingChoice)[];
};

/**
 * What is wrong with these names. `items` are mistakes: limits of something that can't be called. `notices` name
 * models that are not set up, which may still be asked for by their name.
 */
export function checkNamesBeside(
  { limits, prices }: NamesBeside,
  { settings, own, choices }: SetUp,
): { readonly items: readonly ErrorItem[]; readonly notices: readonly string[] } {
  const endpoints = new Set([...choices, ...(own.endpoints ?? []).map(ownChoice)].map(choiceName));
  const models = new Set([...endpoints].map((name) => name.slice(name.indexOf(":") + 1)));
  const setUp = [...endpoints].join(", ");
  const items: ErrorItem[] = [];
  const limitedElsewhere: string[] = [];
  for (const name of limits) {
    const problem = problemOf(name, { settings, own });
    if (problem !== undefined && (isBuiltIn(name) || !endpoints.has(name))) {
      const message = `${JSON.stringify(name)} can't have limits: ${problem}. Models that are set up: ${setUp}.`;
      items.push({ pointer: "MODEL_LIMITS", code: "invalid", message });
    } else if (!endpoints.has(name)) limitedElsewhere.push(name);
  }
  const unused = prices.filter((name) => !endpoints.has(name) && !models.has(name));
  const notices = [
    notSetUp("MODEL_LIMITS limits", limitedElsewhere, setUp),
    notSetUp("There are prices (MODEL_PRICES, models.prices) of", unused, setUp),
  ];
  return { items, notices: notices.filter((notice) => notice !== undefined) };
}

function isBuiltIn(name: string): boolean {
  return name === "builtin" || name.startsWith("builtin:");
}

function problemOf(name: string, sources: Pick<SetUp, "settings" | "own">): string | undefined {
  if (isBuiltIn(name)) return "the built-in models have none";
  const choice = chatChoiceNamed(name, sources);
  return "problem" in choice ? choice.problem : undefined;
}

function notSetUp(what: string, names: readonly string[], setUp: string): string | undefined {
  if (names.length === 0) return undefined;
  const rest = names.length > mostListed ? ` and ${names.length - mostListed} more` : "";
  const shown = `${names.slice(0, mostListed).join(", ")}${rest}`;
  return `${what} ${shown}, which nobody is asked under unless a program or a crew names it. Models that are set up: ${setUp}. Correct the name, or leave it if that is meant.`;
}
