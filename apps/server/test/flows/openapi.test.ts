import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { Flow } from "./flow.ts";

const methods = ["get", "put", "post", "patch", "delete"] as const;
const operationSchema = z.looseObject({
  summary: z.string().min(3),
  tags: z.array(z.string()).min(1),
  responses: z.record(z.string(), z.looseObject({ description: z.string() })),
  parameters: z.array(z.looseObject({ name: z.string(), in: z.string() })).optional(),
});
const descriptionSchema = z.looseObject({
  openapi: z.string().startsWith("3.1"),
  info: z.looseObject({ title: z.string(), version: z.string() }),
  paths: z.record(z.string().startsWith("/"), z.record(z.string(), z.unknown())),
  components: z.looseObject({ schemas: z.record(z.string(), z.unknown()) }),
});

let flow: Flow;
let text: string;
let description: z.infer<typeof descriptionSchema>;

beforeAll(async () => {
  flow = await Flow.start("embedded");
  const reply = await flow.send("GET", "/openapi.json");
  expect(reply.status).toBe(200);
  text = JSON.stringify(reply.body);
  description = descriptionSchema.parse(reply.body);
});
afterAll(() => flow.stop());

const operations = () =>
  Object.entries(description.paths).flatMap(([path, item]) =>
    methods.flatMap((method) =>
      item[method] === undefined ? [] : [{ path, method, operation: item[method] }],
    ),
  );

it("describes every operation with a summary, a tag and its answers", () => {
  for (const { path, method, operation } of operations()) {
    const parsed = operationSchema.safeParse(operation);
    expect(parsed.error?.issues ?? [], `${method} ${path}`).toEqual([]);
  }
});

it("names every path parameter", () => {
  for (const { path, method, operation } of operations()) {
    const named = (operationSchema.parse(operation).parameters ?? []).flatMap((one) =>
      one.in === "path" ? [one.name] : [],
    );
    const used = [...path.matchAll(/\{([^}]+)\}/g)].map((match) => match[1] ?? "");
    expect(named.toSorted(), `${method} ${path}`).toEqual(used.toSorted());
  }
});

it.each([
  ["post /api/documents", ["idempotency-key", "prefer"]],
  ["post /api/summaries", ["idempotency-key", "prefer"]],
  ["post /api/ask", ["idempotency-key", "prefer"]],
  ["post /api/crews/{name}/runs", ["idempotency-key", "prefer"]],
  ["post /api/crews/{name}/runs/{id}/replay", ["idempotency-key", "prefer"]],
  ["post /api/tasks/{name}/jobs", ["idempotency-key", "prefer"]],
  ["get /api/jobs/{id}/result", ["prefer"]],
  ["get /api/documents", []],
])("names the headers that %s heeds", (wanted, headers) => {
  const found = operations().find(({ path, method }) => `${method} ${path}` === wanted);
  const parameters = operationSchema.parse(found?.operation).parameters ?? [];

  expect(parameters.flatMap((one) => (one.in === "header" ? [one.name] : []))).toEqual(headers);
});

it.each([
  ["/api/crews/{name}/runs/{id}/events", "text/event-stream"],
  ["/api/jobs/{id}/events", "text/event-stream"],
  ["/api/crews/{name}/runs/{id}/files/{*}", "text/plain"],
])("says what %s gives", (path, type) => {
  const { responses } = operationSchema.parse(description.paths[path]?.["get"]);

  expect(responses["200"]).toMatchObject({ content: { [type]: {} } });
});

it("refers only to what it has", () => {
  const references = [...text.matchAll(/"\$ref":"([^"]+)"/g)].map((match) => match[1] ?? "");
  const known = Object.keys(description.components.schemas).map((name) => `#/components/schemas/${name}`);

  expect(references.length).toBeGreaterThan(0);
  expect([...new Set(references)].filter((reference) => !known.includes(reference))).toEqual([]);
});

it("lists what the product offers", () => {
  const listed = operations().map(({ path, method }) => `${method} ${path}`);

  expect(listed).toEqual(
    expect.arrayContaining([
      "get /api/documents",
      "post /api/documents",
      "get /api/documents/stats",
      "get /api/documents/{id}",
      "patch /api/documents/{id}",
      "delete /api/documents/{id}",
      "get /api/documents/{id}/analysis",
      "get /api/documents/{id}/events",
      "get /api/documents/{id}/logs",
      "get /api/documents/{id}/status",
      "get /api/documents/{id}/text",
      "get /api/queues",
      "get /api/queues/{name}",
      "patch /api/queues/{name}",
      "post /api/queues/{name}/pause",
      "post /api/queues/{name}/resume",
      "post /api/queues/{name}/purge",
      "get /api/workers",
      "get /api/workers/{id}",
      "patch /api/workers/{id}",
      "delete /api/workers/{id}",
      "post /api/workers/{id}/drain",
      "post /api/workers/{id}/stop",
      "post /api/workers/{id}/run",
      "patch /api/tasks/{name}/limits",
      "put /api/owners/{owner}/weight",
      "get /api/jobs/failures",
      "post /api/jobs/retry",
      "post /api/jobs/cancel",
      "get /api/jobs/{id}/input",
      "get /api/jobs/{id}/result",
      "post /api/jobs/{id}/force-release",
      "post /api/jobs/{id}/answer",
      "post /api/documents/{id}/cancel_processing",
      "post /api/documents/{id}/parts/{part}/retry",
      "post /api/documents/{id}/reprocess",
      "post /api/documents/{id}/retry_failed",
      "get /api/crews/{name}/runs",
      "get /api/crews/{name}/runs/{id}",
      "post /api/crews/{name}/runs/{id}/answer",
      "post /api/crews/{name}/runs/{id}/cancel",
      "get /api/crew-runs/{id}",
      "get /api/jobs",
      "get /api/jobs/{id}",
      "get /api/jobs/{id}/events",
      "get /api/jobs/{id}/logs",
      "post /api/jobs/{id}/cancel",
      "post /api/jobs/{id}/retry",
      "get /api/search",
      "get /api/system",
    ]),
  );
});

it("says of each operation how a failure looks", () => {
  for (const { path, method, operation } of operations().filter(({ path: one }) => one.startsWith("/api/"))) {
    const answers = Object.keys(operationSchema.parse(operation).responses);
    const tellsFailures = answers.some((status) => /^(4|5|default)/.test(status));
    expect(tellsFailures, `${method} ${path} has only ${answers.join(" ")}`).toBe(true);
  }
});
