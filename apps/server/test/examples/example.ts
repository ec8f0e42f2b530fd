import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { jobDetailSchema } from "@millrace/contracts";
import type { JobDetail } from "@millrace/contracts";
import { startMillrace, waitFor } from "@millrace/testing";
import type { RunningMillrace } from "@millrace/testing";
import { expect } from "vitest";
import type { z } from "zod";

const examples = path.join(import.meta.dirname, "../../../../examples");

/** One of the examples, run as its README says, with data of its own. */
export class Example implements AsyncDisposable {
  readonly folder: string;
  readonly #start: () => Promise<RunningMillrace>;
  #server: RunningMillrace;

  private constructor(folder: string, start: () => Promise<RunningMillrace>, server: RunningMillrace) {
    this.folder = folder;
    this.#start = start;
    this.#server = server;
  }

  static async start(name: string, environment: Readonly<Record<string, string>> = {}): Promise<Example> {
    const folder = await mkdtemp(path.join(tmpdir(), `millrace-${name}-`));
    const start = () => startExample(name, folder, environment);
    return new Example(folder, start, await start());
  }

  get url(): string {
    return this.#server.url;
  }

  /** Kills the server without warning and starts it again on the same data. */
  async killAndStart(): Promise<void> {
    await this.#server.kill9();
    this.#server = await this.#start();
  }

  async get<Schema extends z.ZodType>(address: string, schema: Schema): Promise<z.output<Schema>> {
    const response = await fetch(this.#server.url + address);
    expect(response.status, address).toBe(200);
    return schema.parse(await response.json());
  }

  async post(address: string, body: unknown = {}): Promise<Response> {
    return await fetch(this.#server.url + address, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  }

  /** Waits until a job has succeeded. */
  async succeeded(id: string): Promise<JobDetail> {
    return await waitFor(
      async () => {
        const job = await this.get(`/api/jobs/${id}`, jobDetailSchema);
        return job.state === "succeeded" && job;
      },
      { describe: `the success of job ${id}`, timeoutMs: 90_000, intervalMs: 100 },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop();
    await rm(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

function startExample(
  name: string,
  folder: string,
  environment: Readonly<Record<string, string>>,
): Promise<RunningMillrace> {
  return startMillrace({
    dataDirectory: folder,
    workingDirectory: path.join(examples, name),
    environment: { OUTBOX: path.join(folder, "outbox"), ...environment },
  });
}
