import {
  jobSchema,
  jobTreeSchema,
  pageSchema,
  workflowDetailSchema,
  workflowSchema,
} from "@millrace/contracts";
import type { WorkflowDetail } from "@millrace/contracts";
import { parseJson } from "@millrace/kernel";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCommand } from "../cli/command.ts";
import { codeOf, Flow } from "./flow.ts";

const program = `import { once } from "node:events";
import { defineTask, handleTask, MillraceError, z } from "millrace";

const queue = "mill";
const grind = defineTask({ name: "tests.grind", queue, retries: 0, redact: ["secret"],
  input: z.object({ sack: z.number(), secret: z.string().default("") }),
  output: z.object({ flour: z.number(), secret: z.string() }) });
const weigh = defineTask({ name: "tests.weigh", queue, retries: 0, input: z.array(z.object({ flour: z.number() })), output: z.number() });
const hold = defineTask({ name: "tests.hold", queue, retries: 0, input: z.unknown(), output: z.null() });
const parent = defineTask({ name: "tests.parent", queue, retries: 0, input: z.object({}), output: z.null() });
export const grinder = handleTask({ task: grind, run: async ({ input }) => {
  if (input.sack < 0) throw new MillraceError({ code: "sack_empty", kind: "invalid", message: "The sack is empty" });
  return { flour: input.sack * 2, secret: input.secret };
} });
export const scales = handleTask({ task: weigh, run: async ({ input }) => input.reduce((all, { flour }) => all + flour, 0) });
export const holder = handleTask({ task: hold, run: async ({ signal }) => {
  if (!signal.aborted) await once(signal, "abort");
  signal.throwIfAborted();
  return null;
} });
export const parents = handleTask({ task: parent, run: async (context) => {
  await context.enqueueChild("child", grind, { sack: 1, secret: "" });
  await context.enqueueChild("of others", grind, { sack: 1, secret: "" }, { owner: "somebody else" });
  return null;
} });
`;

/** Workflows over HTTP and on the command line. */
describe("workflows", () => {
  let flow: Flow;
  beforeAll(async () => {
    flow = await Flow.start("embedded", { WORKER_CONCURRENCY: "4" }, { "tasks/mill.ts": program });
  });
  afterAll(() => flow.stop());

  const start = async (json: unknown, headers: Record<string, string> = {}): Promise<string> => {
    const reply = await flow.send("POST", "/api/workflows", { json, headers });
    expect(reply.status, JSON.stringify(reply.body)).toBe(202);
    const workflow = workflowSchema.parse(reply.body);
    expect(reply.headers.get("location")).toBe(`/api/workflows/${workflow.id}`);
    return workflow.id;
  };
  const get = (id: string, query = ""): Promise<WorkflowDetail> =>
    flow.get(`/api/workflows/${id}${query}`, workflowDetailSchema);
  const ended = (id: string): Promise<WorkflowDetail> =>
    flow.until(
      () => get(id),
      ({ finished_at }) => finished_at !== null,
    );
  const millrace = (...words: string[]) =>
    runCommand(words, { folder: flow.folder, environment: { DATA_DIR: flow.folder } });
  const grind = (sack: number) => ({ task: "tests.grind", input: { sack, secret: "s3cret" } });
  const chord = { chord: { header: [grind(1), grind(2)], body: { task: "tests.weigh" } } };

  it("run by the names of tasks, and show their tree and what they gave", async () => {
    const id = await start({
      name: "bread",
      flow: chord,
      tags: ["oven"],
      on_success: { task: "tests.hold" },
    });

    const workflow = await ended(id);
    expect(workflow).toMatchObject({
      name: "bread",
      state: "succeeded",
      output: 6,
      tags: ["oven"],
      progress: { total: 3, ended: 3, failed: 0, percent: 100 },
      tree: {
        kind: "chord",
        size: 2,
        counts: { succeeded: 2 },
        children: [
          { kind: "group", policy: "stop", children: [{ task: "tests.grind", job_state: "succeeded" }, {}] },
          { kind: "job", task: "tests.weigh", state: "succeeded" },
        ],
      },
    });
    expect(workflow.callback_job_id).not.toBeNull();
    await flow.send("POST", `/api/jobs/${workflow.callback_job_id ?? ""}/cancel`);
  });

  it("leave out of what they gave what nobody is to see", async () => {
    const { output } = await ended(await start({ flow: { group: [grind(4)] } }));

    expect(output).toEqual([{ flour: 8, secret: expect.not.stringContaining("s3cret") }]);
  });

  it("show the first members of a large group, and counts of all", async () => {
    const items = Array.from({ length: 150 }, (_none, sack) => ({ sack }));
    const id = await start({ flow: { map: "tests.grind", items } });
    await ended(id);

    const { tree } = await get(id);
    expect(tree).toMatchObject({ size: 150, counts: { succeeded: 150 } });
    expect(tree.children).toHaveLength(100);
    expect((await get(id, "?members=3")).tree.children).toHaveLength(3);
  });

  it("are listed newest first, by state and name", async () => {
    const first = await start({ name: "listed", flow: grind(1) });
    const second = await start({ name: "listed", flow: grind(2) });
    await ended(second);

    const page = await flow.get("/api/workflows?name=listed&limit=1", pageSchema(workflowSchema));
    expect(page).toMatchObject({ data: [{ id: second }], has_more: true });
    const next = await flow.get(
      `/api/workflows?name=listed&cursor=${page.next_cursor ?? ""}`,
      pageSchema(workflowSchema),
    );
    expect(next).toMatchObject({ data: [{ id: first }], has_more: false });
    const failed = await flow.get("/api/workflows?name=listed&state=failed", pageSchema(workflowSchema));
    expect(failed.data).toEqual([]);
  });

  it("are the same for the same idempotency key", async () => {
    const headers = { "idempotency-key": "oven-1" };
    const id = await start({ flow: grind(1) }, headers);

    expect(await start({ flow: grind(1) }, headers)).toBe(id);
    const other = await flow.send("POST", "/api/workflows", { json: { flow: grind(2) }, headers });
    expect([other.status, codeOf(other)]).toEqual([422, "idempotency_key_reused"]);
  });

  it("are waited for where they are started, when the request prefers it", async () => {
    const headers = { prefer: "wait=30" };
    const reply = await flow.send("POST", "/api/workflows", { json: { flow: chord }, headers });

    expect([reply.status, reply.headers.get("preference-applied")]).toEqual([200, "wait=30"]);
    expect(workflowDetailSchema.parse(reply.body)).toMatchObject({ state: "succeeded", output: 6 });
  });

  it("are refused where they can't run", async () => {
    const refused = async (json: unknown): Promise<unknown> => {
      const reply = await flow.send("POST", "/api/workflows", { json });
      return [reply.status, codeOf(reply)];
    };

    expect(await refused({ flow: { task: "tests.unknown", input: {} } })).toEqual([404, "task_not_found"]);
    expect(await refused({ flow: { task: "tests.weigh" } })).toEqual([422, "invalid_workflow"]);
    expect(await refused({ flow: { chain: [] } })).toEqual([422, "invalid_workflow"]);
    expect(await refused({ flow: { task: "tests.grind", input: { sack: "x" } } })).toEqual([
      422,
      "invalid_job_input",
    ]);
    expect(await refused({ flow: grind(1), unknown: 1 })).toMatchObject([422, expect.any(String)]);
    expect((await flow.send("GET", "/api/workflows/01900000-0000-7000-8000-000000000000")).status).toBe(404);
  });

  it.each<[string, unknown, string]>([
    [
      "a member's input",
      { chain: [grind(1), { group: [{ task: "tests.grind", input: {} }] }] },
      "/flow/chain/1/group/0/input/sack",
    ],
    ["an item", { map: "tests.grind", items: [{ sack: 1 }, { sack: "b" }] }, "/flow/items/1/sack"],
    ["a part that is none", { chord: { header: [{ grp: [] }], body: { task: "tests.weigh" } } }, "/flow"],
  ])("name what is wrong with %s", async (_what, wrong, pointer) => {
    const reply = await flow.send("POST", "/api/workflows", { json: { flow: wrong } });

    expect(reply.status).toBe(422);
    const errors = [expect.objectContaining({ pointer: expect.stringContaining(pointer) })];
    expect(reply.body).toMatchObject({ errors });
  });

  it("say which parts there are", async () => {
    const reply = await flow.send("POST", "/api/workflows", { json: { flow: { grp: [] } } });

    expect(reply.body).toMatchObject({
      errors: [{ pointer: "/flow", detail: expect.stringContaining("chord") }],
    });
  });

  it("are cancelled as wholes, and retried", async () => {
    const id = await start({ flow: { chain: [{ task: "tests.hold", input: 1 }, { task: "tests.hold" }] } });

    const cancelled = await flow.send("POST", `/api/workflows/${id}/cancel`);
    expect(cancelled.status).toBe(202);
    expect(await ended(id)).toMatchObject({
      state: "cancelled",
      tree: { counts: { cancelled: 1, skipped: 1 } },
    });
    expect((await flow.send("POST", `/api/workflows/${id}/retry`)).status).toBe(202);
    expect(await get(id)).toMatchObject({ state: "running", progress: { total: 2, ended: 0 } });
    expect((await flow.send("POST", `/api/workflows/${id}/retry`)).status).toBe(409);
    await flow.send("POST", `/api/workflows/${id}/cancel`);
  });

  it("are the tree of each of their jobs; other jobs have those of their children", async () => {
    const id = await start({ flow: chord });
    const { tree } = await ended(id);
    const member = tree.children[1]?.job_id ?? "";
    expect(await flow.get(`/api/jobs/${member}`, jobSchema)).toMatchObject({ workflow_id: id });
    expect(await flow.get(`/api/jobs/${member}/tree`, jobTreeSchema)).toMatchObject({
      workflow: { id },
      job: null,
    });

    const reply = await flow.send("POST", "/api/tasks/tests.parent/jobs", { json: { input: {} } });
    const parent = jobSchema.parse(reply.body);
    const branch = await flow.until(
      () => flow.get(`/api/jobs/${parent.id}/tree`, jobTreeSchema),
      ({ job }) => job?.children[0]?.job.state === "succeeded",
    );
    expect(branch).toMatchObject({
      workflow: null,
      job: {
        job: { id: parent.id },
        has_more: false,
        children: [{ job: { parent_id: parent.id }, children: [] }],
      },
    });
  });

  it("are listed, shown as a tree, retried and cancelled by command", async () => {
    const id = await start({ name: "by command", flow: { chain: [grind(-1), { task: "tests.hold" }] } });
    await ended(id);

    const list = await millrace("workflows", "ls", "--name", "by command", "--json");
    expect(parseJson(list.stdout)).toMatchObject([{ id, state: "failed" }]);
    const { stdout } = await millrace("workflows", "get", id);
    expect(stdout).toContain("chain  failed (1 failed, 1 skipped)");
    expect(stdout).toMatch(/├─ tests\.grind {2}failed {2}.*: The sack is empty \(sack_empty\)/);
    expect(stdout).toContain("└─ tests.hold  cancelled");
    expect((await millrace("workflows", "retry", id)).code).toBe(0);
    await ended(id);
    expect((await millrace("workflows", "cancel", id)).code).toBe(1);
    expect((await millrace("workflows", "get", "01900000-0000-7000-8000-000000000000")).code).toBe(3);
  });
});
