import { modelErrors } from "../errors.ts";
import { choiceName } from "../model-choice.ts";
import type { EmbeddingChoice } from "../model-choice.ts";
import type { EmbeddingModelName } from "../models.ts";
import { embeddingChoiceNamed } from "../named-embedding.ts";
import { Embedder } from "./embedder.ts";
import type { EmbedderParts } from "./embedder.ts";

/** The embedding model of the settings, and others that can be reached with the same keys and addresses. */
export class Embedders {
  /** The one of the settings. */
  readonly chosen: Embedder;
  readonly #choice: EmbeddingChoice;
  readonly #parts: EmbedderParts;
  readonly #others = new Map<string, Embedder>();

  constructor(choice: EmbeddingChoice, parts: EmbedderParts) {
    this.#choice = choice;
    this.#parts = parts;
    this.chosen = new Embedder(choice, parts);
  }

  all(): Embedder[] {
    return [this.chosen, ...this.#others.values()];
  }

  /** Whether this process can make vectors that are comparable with those of a model. */
  can(wanted: EmbeddingModelName): boolean {
    return !("problem" in this.#choiceOf(wanted));
  }

  /** Throws `model_unknown` for a model that these settings don't reach. */
  of(wanted: EmbeddingModelName | undefined): Embedder {
    if (wanted === undefined) return this.chosen;
    const choice = this.#choiceOf(wanted);
    if ("problem" in choice) throw modelErrors.unknownModel(wanted.name, choice.problem);
    const name = choiceName(choice);
    if (name === choiceName(this.#choice)) return this.chosen;
    const known = this.#others.get(name) ?? new Embedder(choice, this.#parts);
    this.#others.set(name, known);
    return known;
  }

  #choiceOf({ name, revision = "" }: EmbeddingModelName): EmbeddingChoice | { readonly problem: string } {
    const { settings } = this.#parts;
    if (name !== choiceName(this.#choice)) return embeddingChoiceNamed(name, settings);
    return revision === settings.EMBEDDING_REVISION
      ? this.#choice
      : { problem: `its revision "${revision}" is not that of EMBEDDING_REVISION` };
  }
}
