import type { Command } from "commander";
import { invalidArguments } from "./errors.ts";

/** A word of Celery's that there is no command for: says in one line what to use instead, with exit code 2. */
export function addReplacedCommand(parent: Command, word: string, instead: string): void {
  parent
    .command(`${word} [words...]`, { hidden: true })
    .allowUnknownOption()
    .action(() => {
      throw invalidArguments(`There is no ${parent.name()} ${word}. ${instead}`);
    });
}
