import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openTestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { findOwnProcesses, killOwnProcesses } from "../ground/own-processes.ts";
import { findForgottenFiles, findHalfClosed, findOrphans, findReserved } from "./leftovers.ts";

describe("what is left behind is found:", () => {
  it("a process whose parent has died", async () => {
    const mark = `leftovers-test-${process.pid}`;
    onTestFinished(() => killOwnProcesses(mark));
    const parent = spawn("sh", ["-c", "sleep 60 & wait"], { env: { ...process.env, MARK: mark } });
    await once(parent, "spawn");
    await expect.poll(() => findOwnProcesses(mark)).toHaveLength(2);
    const whole = await findOwnProcesses(mark);

    parent.kill("SIGKILL");
    await once(parent, "exit");

    expect(findOrphans(whole, [parent.pid!])).toEqual([]);
    expect(findOrphans(await findOwnProcesses(mark), [parent.pid!])).toEqual([
      expect.stringContaining("sleep 60"),
    ]);
  });

  describe("files:", () => {
    let folder: string;
    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), "leftovers-test-"));
      await mkdir(join(folder, "tmp", "of-a-child"), { recursive: true });
      await mkdir(join(folder, "unfinished"));
      onTestFinished(() => rm(folder, { recursive: true }));
    });

    it("the folder of a child that is gone", async () => {
      const used = join(folder, "tmp", "of-a-child");

      expect(await findForgottenFiles(folder, [], 0)).toEqual([`a file is left: ${used}`]);
      expect(await findForgottenFiles(folder, [{ folder: used }], 0)).toEqual([]);
    });

    it("an upload that was begun after the last process was killed", async () => {
      await rm(join(folder, "tmp"), { recursive: true });
      await writeFile(join(folder, "unfinished", "upload"), "half of it");

      expect(await findForgottenFiles(folder, [], Date.now() - 60_000)).toHaveLength(1);
      expect(await findForgottenFiles(folder, [], Date.now() + 1000)).toEqual([]);
    });
  });

  it("a connection that the other side has closed", async () => {
    const here = { id: process.pid, command: "this one" };
    const server = createServer((socket) => socket.end()).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo; // It listens on a port.
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true }).resume();
    onTestFinished(async () => {
      socket.destroy();
      server.close();
      await once(server, "close");
    });

    await once(socket, "end");
    const open = await findHalfClosed([here]);
    socket.destroy();

    expect(open).toEqual([`a closed connection to port ${port} is kept by ${process.pid}: this one`]);
    await expect.poll(() => findHalfClosed([here])).toEqual([]);
  });

  describe("of budgets for calls of models:", () => {
    let database: Awaited<ReturnType<typeof openTestDatabase>>;
    beforeAll(async () => {
      database = await openTestDatabase();
    });
    beforeEach(async () => {
      await sql`DELETE FROM model_reservation`.execute(database.queryable);
      await sql`DELETE FROM model_budget_use`.execute(database.queryable);
    });
    afterAll(() => database.close());

    const reserve = (leaseMs: number) =>
      sql`SELECT reserve_budget(gen_random_uuid(), 0.5, 100, ${leaseMs}, '[{"scope": "*", "day_tokens": 1000}]')`;

    it("what is set aside, until its process has not been heard of for long", async () => {
      const { queryable } = database;

      await reserve(-1).execute(queryable);
      expect(await findReserved(queryable)).toEqual([]);

      await reserve(60_000).execute(queryable);
      expect(await findReserved(queryable)).toEqual([
        expect.stringContaining("100 tokens of * are still set aside"),
      ]);
    });

    it("a sum that is not that of its reservations", async () => {
      await reserve(60_000).execute(database.queryable);
      await sql`DELETE FROM model_reservation`.execute(database.queryable);

      expect(await findReserved(database.queryable)).toEqual([
        expect.stringContaining("the budget of * has 100 tokens"),
      ]);
    });
  });
});
