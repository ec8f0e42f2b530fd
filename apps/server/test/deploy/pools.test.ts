import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pageSchema, taskSchema } from "@millrace/contracts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Flow } from "../flows/flow.ts";
import { ownServices, readCompose, repository } from "./compose.ts";

/*
 * A job in a queue that no pool serves is accepted and waits for ever. So what we tell people to start is compared
 * with the tasks that the server has.
 */

let flow: Flow;
/** Every queue that the product uses, and `batch`, which is for what people bring. */
let queues: ReadonlySet<string>;

beforeAll(async () => {
  flow = await Flow.start("embedded");
  const { data } = await flow.get("/api/tasks?source=product", pageSchema(taskSchema));
  queues = new Set([...data.map(({ queue }) => queue), "default", "batch"]);
});
afterAll(() => flow.stop());

const read = (path: string): string => readFileSync(join(repository, path), "utf8");

const composePools = ownServices(readCompose())
  .filter(([, { command }]) => command[0] === "worker")
  .map(([, { command }]) => command[command.indexOf("-Q") + 1] ?? "");
/** As `NAME QUEUES CONCURRENCY PROCESSES PORT`. */
const unitPools = [...read("docs/deploy.md").matchAll(/"\w+ ([a-z_,]+) \d+ \d+ \d+"/g)];
const wordPools = (path: string): string[] =>
  [...read(path).matchAll(/^npx millrace worker -Q ([a-z_,]+)/gm)].map(([, names = ""]) => names);

describe.each([
  ["deploy/compose.yaml", composePools],
  ["docs/deploy.md without Docker", unitPools.map(([, names = ""]) => names)],
  ["docs/roles.md", wordPools("docs/roles.md")],
  ["README.md", wordPools("README.md")],
])("the pools of %s", (_place, pools) => {
  it("serve every queue that the product uses, each in one pool", () => {
    expect(pools.flatMap((names) => names.split(",")).toSorted()).toEqual([...queues].toSorted());
  });

  it("keep one for chat alone", () => {
    expect(pools).toContain("chat");
  });
});
