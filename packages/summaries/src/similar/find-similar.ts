import type { Queryable } from "@millrace/database";
import { errorCode } from "@millrace/kernel";
import type { Models } from "@millrace/models";
import type { JobContext } from "@millrace/queue";
import { recordCharge } from "@millrace/usage";
import { sql } from "kysely";
import type { MakeInput, MakeParts } from "../make/make-task.ts";
import { twinColumns } from "../read-summaries.ts";
import type { Twin, WorkRow } from "../read-summaries.ts";
import { storeVector } from "../write-summaries.ts";
import { haveSameFacts } from "./comparable-text.ts";
import { vectorOf } from "./text-vector.ts";

/** A summary of nearly the same text. */
type Similar = { readonly twin: Twin; readonly score: number };

/** Where the vectors of a model are near for texts that are nearly the same, and for no others. */
const leastScores = {
  // They have no meaning in them: below this they say that two texts share words.
  builtIn: 0.98,
  // Untuned: texts of one subject come near 0.9 with some models.
  trained: 0.95,
} as const;

/** Of an owner: so many are compared in some 20 ms. */
const mostCompared = 10_000;
/** How many of the nearest are looked at for their figures and names. */
const mostRead = 5;

/**
 * Keeps the vector of a text with its summary, and finds the summary of a text that is nearly the same. Undefined
 * too when the embedding model can't serve: it is there to save calls, and must cost none.
 */
export async function findSimilar(
  { database, models, leastSimilarity }: MakeParts,
  context: JobContext<MakeInput>,
  wanted: { readonly row: WorkRow; readonly text: string; readonly recipe: string },
): Promise<Similar | undefined> {
  const { row, text, recipe } = wanted;
  const { builtIn } = models.embedding;
  const least = leastSimilarity ?? (builtIn ? leastScores.builtIn : leastScores.trained);
  if (least > 1) return undefined;
  try {
    const { space } = await keepVector(models, context, text);
    if (space === null || row.is_fresh) return undefined;
  } catch (error) {
    if (context.signal.aborted || errorCode(error) === "lease_lost") throw error;
    context.log("warning", `Summaries of similar texts were not looked for: ${errorCode(error)}.`);
    return undefined;
  }
  return await nearest(database.queryable, { row, text, recipe, least });
}

/** Once for the life of the job, and charged once. */
async function keepVector(
  models: Models,
  context: JobContext<MakeInput>,
  text: string,
): Promise<{ readonly space: string | null }> {
  const step = "similar";
  const { id: job, owner } = context.job;
  let read: Awaited<ReturnType<typeof vectorOf>>;
  return await context.step(
    step,
    async (signal) => {
      const origin = { owner, job, step };
      read = await vectorOf(models, text, { purpose: "summary.similar", origin, signal });
      if (read === undefined) return { space: null };
      const { revision } = models.embedding;
      return { space: revision === "" ? read.embedded.model : `${read.embedded.model}@${revision}` };
    },
    {
      record: async ({ transaction }, { space }) => {
        if (read === undefined || space === null) return;
        await storeVector(transaction, context.input.summary_id, { vector: read.vector, space });
        const { model, usage, cost } = read.embedded;
        if (model.startsWith("builtin:")) return;
        const charged = { inputTokens: usage.inputTokens, outputTokens: 0 };
        await recordCharge(transaction, { job, step, owner, model, usage: charged, cost });
      },
    },
  );
}

type Candidate = Twin & { readonly score: number; readonly text: string };

async function nearest(
  queryable: Queryable,
  { row, text, recipe, least }: { row: WorkRow; text: string; recipe: string; least: number },
): Promise<Similar | undefined> {
  const found = await sql<Candidate>`
    WITH own AS MATERIALIZED (SELECT text_vector, vector_space, text_length FROM summary WHERE id = ${row.id}),
    recent AS MATERIALIZED (
      SELECT other.id, other.text_vector FROM summary AS other, own
      WHERE other.workspace_id = ${row.workspace_id} AND other.vector_space = own.vector_space
        AND other.state = 'completed' AND other.reused_from IS NULL AND other.text_vector IS NOT NULL
        AND other.id <> ${row.id} AND other.recipe = ${recipe}
        AND other.language IS NOT DISTINCT FROM ${row.language}::text
        -- A text and the same twice over have the same direction.
        AND other.text_length BETWEEN own.text_length * 0.8 AND own.text_length * 1.25
        AND vector_dims(other.text_vector) = vector_dims(own.text_vector)
      ORDER BY other.id DESC LIMIT ${mostCompared}),
    near AS MATERIALIZED (
      SELECT recent.id, 1 - (recent.text_vector <=> own.text_vector) AS score FROM recent, own
      WHERE recent.text_vector <=> own.text_vector <= ${1 - least}::double precision
      ORDER BY score DESC, recent.id DESC LIMIT ${mostRead})
    SELECT ${twinColumns}, text, least(near.score, 1) AS score FROM near JOIN summary USING (id)
    ORDER BY near.score DESC, id DESC`.execute(queryable);
  const same = found.rows.find((candidate) => haveSameFacts(candidate.text, text));
  if (same === undefined) return undefined;
  const { score, text: _text, ...twin } = same;
  return { twin, score };
}
