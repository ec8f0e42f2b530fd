import { FigureCollector } from "../measure/figure.ts";
import { prose } from "../material/prose.ts";
import type { Benchmark, BenchmarkOptions } from "./benchmark.ts";
import { postText, waitUntilProcessed } from "./documents-client.ts";
import { withModelFleet } from "./model-fleet.ts";

const documents = 500;
const workers = 2;
const repeatShare = 0.3;
const answerMs = 200;
const target = { aim: 30, floor: 28 };

/** How many calls stored answers and single flight save. */
export const modelsReuse: Benchmark = {
  name: "models-reuse",
  description: `${documents} texts of 1 kB sent at once, of which ${repeatShare * 100} % are the same as one before: half of them come right behind it, while it is asked about, the others behind all; analysed by ${workers} processes of \`millrace worker\` with a fake model server that takes ${answerMs} ms. Calls of the chat model that the server saw, against one for each text.`,
  run: async ({ runs, scale, say }: BenchmarkOptions) => {
    const figures = new FigureCollector();
    const count = Math.max(20, Math.ceil(documents * scale));
    for (let run = 1; run <= runs; run += 1) {
      say(`models-reuse: run ${run} of ${runs}`);
      await measure(figures, textsOf(count, run));
    }
    return figures.figures();
  },
};

async function measure(figures: FigureCollector, texts: readonly string[]): Promise<void> {
  const script = () => ({ kind: "answer", delayMs: answerMs }) as const;
  await withModelFleet({ script }, async ({ api, role, models }) => {
    for (let nth = 1; nth <= workers; nth += 1) await role("worker", "-c", "20", "-n", `w${nth}`);
    for (const text of texts) await postText(api.address, text);
    await waitUntilProcessed(api.address, texts.length);
    const asked = models.calls.filter(({ kind }) => kind === "chat").length;
    figures.add("calls saved", "%", (100 * (texts.length - asked)) / texts.length, target);
  });
}

/** Half of the repeats come right behind their first, which is under way then; the others behind all. */
function textsOf(count: number, run: number): string[] {
  const repeats = Math.floor(count * repeatShare);
  const texts = Array.from(
    { length: count - repeats },
    (_none, index) => `${index}. ${prose(1000, run * 10_000 + index)}`,
  );
  const near = new Set(texts.slice(0, Math.ceil(repeats / 2)));
  const far = texts.slice(near.size, repeats);
  return [...texts.flatMap((text) => (near.has(text) ? [text, text] : [text])), ...far];
}
