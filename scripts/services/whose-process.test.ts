import { expect, it } from "vitest";
import { folders, peerFolders } from "./server-folders.ts";
import { processesOf } from "./whose-process.ts";
import type { RootProcess } from "./whose-process.ts";

const chaos = "/srv/millrace-chaos-4711-Ab3xYz";

function found(given: Partial<RootProcess>, servers: readonly string[] = Object.values(folders)): boolean {
  const entry = { id: 2, parentId: 1, name: "x", words: [], home: "/root", workingFolder: "/", ...given };
  return processesOf([entry], servers).length === 1;
}

it.each<[string, Partial<RootProcess>]>([
  ["PostgreSQL by its cluster", { words: ["/usr/lib/postgresql/17/bin/postgres", "-D", "/srv/postgres"] }],
  [
    "a child of PostgreSQL that has lost its parent, by where it works",
    { words: ["postgres: checkpointer  "], workingFolder: "/srv/postgres" },
  ],
  ["what makes the cluster", { words: ["/usr/lib/postgresql/17/bin/initdb", "--pgdata=/srv/postgres"] }],
  ["pgBouncer by its file", { words: ["/usr/sbin/pgbouncer", "/srv/pgbouncer/pgbouncer.ini"] }],
  [
    "Redis by its title",
    { words: ["/usr/bin/redis-server 127.0.0.1:55379 /srv/redis-tests/redis.conf", ""] },
  ],
  [
    "RabbitMQ by its home",
    { words: ["/bin/sh", "/usr/lib/rabbitmq/bin/rabbitmq-server"], home: "/srv/rabbitmq" },
  ],
  ["Erlang's name service by its home", { words: ["epmd", "-daemon"], home: "/srv/rabbitmq" }],
  ["a benchmark's PostgreSQL", { words: ["postgres", "-D", "/srv/postgres-peers"] }],
])("takes for ours %s", (_, given) => {
  expect(found(given)).toBe(true);
});

it.each<[string, Partial<RootProcess>]>([
  ["a fault run's PostgreSQL", { words: ["postgres", "-D", `${chaos}/postgres`] }],
  ["its child", { words: ["postgres: walwriter"], workingFolder: `${chaos}/postgres` }],
  ["a fault run's pgBouncer", { words: ["/usr/sbin/pgbouncer", `${chaos}/pgbouncer/pgbouncer.ini`] }],
  ["a fault run's Redis", { words: [`/usr/bin/redis-server 127.0.0.1:41001 ${chaos}/redis/redis.conf`] }],
  [
    "a fault run's RabbitMQ",
    { words: ["beam.smp", "-home", `${chaos}/rabbitmq`], home: `${chaos}/rabbitmq` },
  ],
  ["its name service", { words: ["epmd", "-daemon"], home: `${chaos}/rabbitmq` }],
  ["a test's own Redis", { words: ["/usr/bin/redis-server 127.0.0.1:41002"], workingFolder: "/tmp" }],
  ["a folder whose name goes on", { words: ["postgres", "-D", "/srv/postgres-of-another"] }],
  ["an installation", { words: ["apt-get", "install", "redis-server"] }],
])("leaves alone %s", (_, given) => {
  expect(found(given)).toBe(false);
});

it("tells the peers from the test services", () => {
  const redis = (folder: string) => ({ words: [`redis-server 127.0.0.1:1 ${folder}/redis.conf`] });

  expect(found(redis(folders.peerRedis), peerFolders)).toBe(true);
  expect(found(redis(folders.redis), peerFolders)).toBe(false);
  expect(found(redis(folders.peerRedis), [folders.redis])).toBe(false);
});

it("takes the children of ours, and theirs, and no others' children", () => {
  const entry = (id: number, parentId: number, words: readonly string[] = []): RootProcess => {
    return { id, parentId, words, name: "x", home: "/", workingFolder: "/" };
  };
  const all = [
    entry(14, 13),
    entry(13, 10),
    entry(10, 1, ["postgres", "-D", "/srv/postgres"]),
    entry(20, 1, ["postgres", "-D", `${chaos}/postgres`]),
    entry(21, 20),
  ];

  expect(processesOf(all, [folders.postgres]).map(({ id }) => id)).toEqual([14, 13, 10]);
});
