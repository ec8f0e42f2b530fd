import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { chord, defineConfig, map, step } from "millrace";
import type { Plugin } from "millrace";
import { mergeParts } from "./tasks/merge-parts.ts";
import { sumPart } from "./tasks/sum-part.ts";

const sales: Plugin = async (app, { authenticate, queue }) => {
  app.post("/api/sales", async (request, reply) => {
    const { workspaceId: owner } = await authenticate(request);
    const files = await readdir(join(import.meta.dirname, "sales"));
    const parts = files.filter((file) => file.endsWith(".csv")).map((file) => ({ file }));
    // A job for each file, and one that is given what all of them gave, once the last has ended.
    const flow = chord(map(sumPart, parts), step(mergeParts));
    const { id } = await queue.workflows.start(flow, { owner, name: "sales" });
    return reply.code(202).header("location", `/api/workflows/${id}`).send({ id });
  });
};

export default defineConfig({ plugins: [sales] });
