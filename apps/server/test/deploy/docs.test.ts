import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { commandLineSettings } from "../../src/cli/settings.ts";
import { settingsSections } from "../../src/settings.ts";
import { readCompose, repository, variablesOf } from "./compose.ts";

const known = new Set(
  [...settingsSections, commandLineSettings].flatMap(({ schema }) => Object.keys(schema.shape)),
);
const read = (path: string): string => readFileSync(join(repository, path), "utf8");
const deploy = read("docs/deploy.md");

describe.each(["docs/deploy.md", "docs/architecture.md"])("%s", (path) => {
  it("leads to files that exist", () => {
    const links = [...read(path).matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, link = ""]) => link);

    expect(links).not.toEqual([]);
    expect(links.filter((link) => !existsSync(join(repository, dirname(path), link)))).toEqual([]);
  });

  it("can be reached from the README", () => {
    expect(read("README.md")).toContain(`(${path})`);
  });
});

it("every arrow of the architecture names a test", () => {
  const shown = [...read("docs/architecture.md").matchAll(/^_Shown by:_ (.*(?:\n.+)*)/gm)].map(
    ([, text]) => text,
  );

  expect(shown).toHaveLength(12);
  for (const text of shown) expect(text).toMatch(/\.test\.ts\)/);
});

it("the deployment without Docker writes no setting that the program does not know", () => {
  const written = [...deploy.matchAll(/<<EOF\n([\s\S]*?)EOF/g)].flatMap(([, text = ""]) =>
    [...text.matchAll(/^([A-Z_]+)=/gm)].map(([, name = ""]) => name),
  );

  expect(written).toContain("DATABASE_URL");
  expect(written.filter((name) => !known.has(name))).toEqual([]);
});

it("names files below deploy, and services, that exist", () => {
  const files = [...deploy.matchAll(/(?<!\/)\bdeploy\/[\w./-]+\w/g)].map(([path]) => path);
  const services = [...deploy.matchAll(/(?:worker|api)-(?:\d|[a-z]+)\b(?!\.env|\.service)/g)].map(
    ([name]) => name,
  );
  // What people make themselves.
  const theirs = new Set(["deploy/.env", "deploy/compose.override.yaml"]);
  const compose = readCompose();

  expect(files.filter((path) => !theirs.has(path) && !existsSync(join(repository, path)))).toEqual([]);
  expect(new Set(services.filter((name) => !(name in compose.services)))).toEqual(new Set());
});

it("the units of systemd start a role that exists, with files that the guide writes", () => {
  for (const role of ["api", "worker"]) {
    const unit = read(`deploy/systemd/millrace-${role}@.service`);
    const files = [...unit.matchAll(/^EnvironmentFile=(.+)$/gm)].map(([, path = ""]) =>
      path.replace("%i", "$1"),
    );

    expect(unit).toMatch(
      new RegExp(
        `^ExecStart=/opt/millrace/node_modules/.bin/node /opt/millrace/apps/server/src/main.ts ${role}$`,
        "m",
      ),
    );
    for (const file of files) expect(deploy).toContain(`> ${file} `);
    // Children that are at work are told by the process that drains.
    expect(unit).toMatch(/^KillMode=mixed$/m);
  }
});

it("puts every clone in a folder with a number, which a link can be turned from", () => {
  const clones = [...deploy.matchAll(/git clone REPOSITORY (\/\S+)/g)].map(([, folder]) => folder);

  expect(clones.length).toBeGreaterThan(2);
  expect(clones.filter((folder) => !/^\/opt\/millrace-\d$/.test(folder ?? ""))).toEqual([]);
});

it("the files for two machines only add to services and volumes that are there", () => {
  const compose = readCompose();
  const ports = read("deploy/compose.first-machine.yaml");
  const places = read("deploy/compose.second-machine.yaml");

  const opened = [...ports.matchAll(/^ {2}([\w-]+): \{ ports/gm)].map(([, name = ""]) => name);
  const moved = [...places.matchAll(/^ {2}([\w-]+): \*there/gm)].map(([, name = ""]) => name);
  const reached = [...places.matchAll(/- ([\w-]+)=/g)].map(([, name = ""]) => name);
  expect(opened).toEqual(reached);
  expect([...opened, ...moved].filter((name) => !(name in compose.services))).toEqual([]);
  expect(variablesOf(ports + places).every(({ rest }) => rest === ":?")).toBe(true);
});
