import { readFile } from "node:fs/promises";
import { idSchema, searchModes, searchResultSchema } from "@millrace/contracts";
import type { SearchResult } from "@millrace/contracts";
import { parseJson } from "@millrace/kernel";
import { scoreRetrieval } from "@millrace/search";
import type { JudgedQuestion, RetrievalScores } from "@millrace/search";
import type { Command } from "commander";
import { z } from "zod";
import type { CommandHost } from "./command-host.ts";
import { fileNotFound, invalidArguments } from "./errors.ts";
import { writeJson } from "./write-json.ts";

const questionSchema = z.object({
  query: z.string().trim().min(1),
  /** Ids of documents, or of passages. */
  relevant: z.array(idSchema).min(1),
});
type Question = z.output<typeof questionSchema>;
type Mode = (typeof searchModes)[number];

const labels: Readonly<Record<Mode, string>> = {
  full_text: "full text",
  vectors: "vectors",
  hybrid: "hybrid",
};

/** `millrace search eval FILE`: how well own questions are answered by words, by vectors, and by both. */
export function addSearchEvalCommand(search: Command, host: CommandHost): void {
  search
    .command("eval <file>")
    .description(
      'Score questions of a file of lines {"query": …, "relevant": [ids of documents or passages]}',
    )
    .option("--json", "print JSON")
    .action(async (file: string, _options: unknown, command: Command) => {
      // The command above it takes --json too, wherever it stands.
      const { json } = command.optsWithGlobals<{ readonly json?: true }>();
      const questions = await readQuestions(file);
      const client = await host.server();
      const scores = new Map<Mode, RetrievalScores>();
      for (const mode of searchModes) {
        const judged: JudgedQuestion[] = [];
        for (const { query, relevant } of questions) {
          const asked = { q: query, mode, limit: 50 };
          const result = await client.call("/api/search", searchResultSchema, { query: asked });
          if (mode !== "full_text" && result.vectors.method === "none")
            process.stderr.write(`Without vectors (${result.vectors.reason}): ${query}\n`);
          // Asked for vectors, and answered by words: that would be the scores of something else.
          judged.push(
            judge(mode === "vectors" && result.mode !== mode ? [] : result.data, new Set(relevant)),
          );
        }
        scores.set(mode, scoreRetrieval(judged));
      }
      if (json)
        writeJson({ questions: questions.length, ...Object.fromEntries([...scores].map(forPrograms)) });
      else process.stdout.write(table(questions.length, scores));
    });
}

async function readQuestions(file: string): Promise<Question[]> {
  const text = await readFile(file, "utf8").catch(() => {
    throw fileNotFound(file);
  });
  const lines = text
    .split("\n")
    .flatMap((line, index) => (line.trim() === "" ? [] : [{ line, number: index + 1 }]));
  if (lines.length === 0) throw invalidArguments(`${file} has no questions.`);
  return lines.map(({ line, number }) => {
    const parsed = questionSchema.safeParse(readLine(line));
    if (parsed.success) return parsed.data;
    throw invalidArguments(
      `Line ${number} of ${file} is not {"query": "…", "relevant": ["id", …]} with ids of documents or passages.`,
    );
  });
}

function readLine(line: string): unknown {
  try {
    return parseJson(line);
  } catch {
    // What is wrong with the line is said with its number.
    return undefined;
  }
}

/** A passage counts as itself where it is named, else as its document. */
function judge(hits: SearchResult["data"], relevant: ReadonlySet<string>): JudgedQuestion {
  return {
    found: hits.map((hit) => (relevant.has(hit.chunk_id) ? hit.chunk_id : hit.document_id)),
    relevant,
  };
}

function forPrograms([mode, scores]: [Mode, RetrievalScores]): [string, unknown] {
  const { recallAt, reciprocalRank, ndcgAt10 } = scores;
  return [mode, { recall_at: recallAt, mrr: reciprocalRank, ndcg_at_10: ndcgAt10 }];
}

function table(count: number, scores: ReadonlyMap<Mode, RetrievalScores>): string {
  const rows = [...scores].map(([mode, { recallAt, reciprocalRank, ndcgAt10 }]) => {
    const values = [...Object.values(recallAt), reciprocalRank, ndcgAt10];
    return labels[mode].padEnd(10) + values.map((value) => value.toFixed(3).padStart(10)).join("");
  });
  const depths = Object.keys([...scores.values()][0]?.recallAt ?? {}).map((depth) => `recall@${depth}`);
  const head = " ".repeat(10) + [...depths, "MRR", "nDCG@10"].map((name) => name.padStart(10)).join("");
  return `${count} questions\n${[head, ...rows].join("\n")}\n`;
}
