import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { settingsSections } from "../../src/settings.ts";
import { composeText, deployFolder, ownServices, readCompose, variablesOf } from "./compose.ts";
import { imageEnvironment } from "./dockerfile.ts";

const compose = readCompose();
const own = ownServices(compose);
const migration = compose.services.migrate;
const lasting = own.filter(([name]) => name !== "migrate");

it("has no default password: what is secret must be given", () => {
  const optional = variablesOf(composeText).filter(({ rest }) => rest !== ":?");

  expect(new Set(optional.map(({ name }) => name))).toEqual(new Set(["LOG_LEVEL"]));
  expect(() => readCompose({ PUBLIC_URL: "http://localhost" })).toThrow(/is missing a value/);
});

it("asks for no variable that .env.example does not name, and the other way round", () => {
  const example = readFileSync(join(deployFolder, ".env.example"), "utf8");
  const named = [...example.matchAll(/^(?:# )?([A-Z_]+)=/gm)].map(([, name]) => name);

  expect(new Set(named)).toEqual(new Set(variablesOf(composeText).map(({ name }) => name)));
});

it("gives its processes no setting that the program does not know", () => {
  const known = settingsSections.flatMap(({ schema }) => Object.keys(schema.shape));
  const given = own.flatMap(([, { environment, models }]) => [
    ...Object.keys(environment),
    ...Object.values(models).flatMap(({ endpoint_var, model_var }) => [endpoint_var, model_var]),
  ]);

  expect(new Set(given).difference(new Set(known))).toEqual(new Set());
  expect(new Set(Object.keys(imageEnvironment())).difference(new Set([...known, "NODE_ENV"]))).toEqual(
    new Set(),
  );
});

it("has two API processes, which the proxy knows", () => {
  const apis = own.filter(([, { command }]) => command[0] === "api").map(([name]) => name);
  const caddyfile = readFileSync(join(deployFolder, "Caddyfile"), "utf8");
  const upstreams = [...caddyfile.matchAll(/([\w-]+):8000/g)].map(([, name]) => name);

  expect(apis).toEqual(["api-1", "api-2"]);
  expect(upstreams).toEqual(apis);
});

it("waits longer for each process than that takes to drain and to close", () => {
  for (const [name, { environment, stop_grace_period: grace = "" }] of lasting) {
    const drain = Number(environment.API_DRAIN_SECONDS ?? environment.WORKER_DRAIN_SECONDS);
    expect(Number.parseInt(grace, 10), name).toBeGreaterThan(drain + 15);
  }
});

it("lets each process reach the database past the pooler too", () => {
  for (const [name, { environment }] of own) {
    expect(environment.DATABASE_URL, name).toContain("@pgbouncer:6432/");
    expect(environment.DATABASE_DIRECT_URL, name).toContain("@postgres:5432/");
  }
});

it("gives API and workers one folder for files, and nothing else that they may write to", () => {
  for (const [name, service] of lasting) {
    expect(service, name).toMatchObject({ read_only: true, tmpfs: ["/tmp"], volumes: ["files:/data"] });
  }
  expect(imageEnvironment().DATA_DIR).toBe("/data");
});

it("starts nothing of ours before the schema is up to date, and migrates once", () => {
  for (const [name, service] of lasting) {
    expect(service.depends_on.migrate, name).toEqual({ condition: "service_completed_successfully" });
  }
  expect(migration).toMatchObject({ command: ["migrate"], restart: "no" });
});

it("starts each server again, within a limit of memory, at a version that is named", () => {
  for (const [name, service] of Object.entries(compose.services)) {
    expect(service.image, name).toMatch(/:(?!latest$)[\w.-]+$/);
    expect(service.mem_limit, name).toMatch(/^\d+[mg]$/);
    expect(service.restart, name).toBe(service === migration ? "no" : "unless-stopped");
  }
});

it("shows nothing to other machines but the proxy", () => {
  for (const [name, { ports }] of Object.entries(compose.services)) {
    if (name === "proxy") continue;
    for (const port of ports) expect(port, name).toMatch(/^127\.0\.0\.1:/);
  }
});

it("mounts files that exist, and volumes that it declares", () => {
  const sources = Object.values(compose.services).flatMap(({ volumes }) =>
    volumes.map((text) => text.split(":")[0] ?? ""),
  );

  for (const source of sources) {
    const isThere = source.startsWith("./")
      ? existsSync(join(deployFolder, source))
      : source in compose.volumes;
    expect(isThere, source).toBe(true);
  }
});

it("has every model that a process asks for", () => {
  const asked = own.flatMap(([, { models }]) => Object.keys(models));

  expect(new Set(asked)).toEqual(new Set(Object.keys(compose.models)));
});
