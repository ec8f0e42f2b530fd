import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { fileURLToPath } from "node:url";
import { sql } from "kysely";
import { mutate, mutations, readSqlFunction } from "./mutations.ts";
import type { Mutation } from "./mutations.ts";

/*
 * Runs the model test on a queue with one guard taken out, without touching the sources: those that are
 * named are changed as they are loaded. Writes as JSON what came of it.
 */

const [name = "", runs = "", seed = ""] = process.argv.slice(2);
const mutation = mutations.find((one) => one.name === name);
if (mutation === undefined && name !== "none") throw new Error(`There is no mutation "${name}".`);

let isLoaded = false;
if (mutation !== undefined && "file" in mutation) changeSource(mutation, mutation.file);

// Only now: what is loaded before the hook is loaded as it is.
const { checkQueue } = await import("./queue-property.ts");
const { failure } = await checkQueue({
  runs: Number(runs),
  seed: Number(seed),
  isQuick: true,
  prepare: async ({ database }) => {
    if (mutation === undefined || !("sqlFunction" in mutation)) return;
    const text = mutate(mutation, await readSqlFunction(mutation.sqlFunction));
    await sql.raw(text).execute(database.queryable);
    isLoaded = true;
  },
});
process.stdout.write(JSON.stringify({ isMutated: isLoaded, failure: failure ?? null }));

function changeSource(change: Mutation, file: string): void {
  const url = new URL(`../../src/${file}`, import.meta.url).href;
  registerHooks({
    load: (loaded, context, nextLoad) => {
      if (loaded !== url) return nextLoad(loaded, context);
      isLoaded = true;
      const source = mutate(change, readFileSync(fileURLToPath(loaded), "utf8"));
      return { format: "module-typescript", source, shortCircuit: true };
    },
  });
}
