import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import {
  acceptedDocumentSchema,
  analysisSchema,
  documentSchema,
  isSettled,
  jobDetailSchema,
  pageSchema,
} from "@millrace/contracts";
import type { AcceptedDocument, Analysis, Document, JobDetail } from "@millrace/contracts";
import { startMillrace, testDatabases, waitFor } from "@millrace/testing";
import type { RunningMillrace, TestDatabase } from "@millrace/testing";
import { expect } from "vitest";
import type { z } from "zod";

/** What stands under the server of a flow: nothing more, PostgreSQL, or PostgreSQL behind pgBouncer. */
export type Ground = "embedded" | "postgres" | "pgbouncer";

export type Reply = { readonly status: number; readonly headers: Headers; readonly body: unknown };

type Sent = {
  readonly json?: unknown;
  readonly body?: string | Uint8Array | FormData;
  readonly headers?: Record<string, string>;
};

/** A real server on an empty database and data folder, and what a client does with it. */
export class Flow {
  readonly ground: Ground;
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly database: TestDatabase | undefined;
  #server: RunningMillrace;

  private constructor(parts: {
    ground: Ground;
    folder: string;
    environment: Readonly<Record<string, string>>;
    database: TestDatabase | undefined;
    server: RunningMillrace;
  }) {
    this.ground = parts.ground;
    this.folder = parts.folder;
    this.environment = parts.environment;
    this.database = parts.database;
    this.#server = parts.server;
  }

  /** `files` stand in its working folder, by their paths there. */
  static async start(
    ground: Ground,
    environment: Readonly<Record<string, string>> = {},
    files: Readonly<Record<string, string>> = {},
  ): Promise<Flow> {
    const folder = await mkdtemp(join(tmpdir(), "millrace-flow-"));
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), text);
    }
    const database =
      ground === "embedded"
        ? undefined
        : await testDatabases()
            .find((kind) => kind.name === "postgres")
            ?.open();
    const full = { ...databaseVariables(ground, database), ...environment };
    const server = await startMillrace({ dataDirectory: folder, environment: full });
    return new Flow({ ground, folder, environment: full, database, server });
  }

  get server(): RunningMillrace {
    return this.#server;
  }

  get url(): string {
    return this.#server.url;
  }

  /** Stops the server by SIGTERM and starts it again on the same data; gives the first one's exit code. */
  async restart(changes: Readonly<Record<string, string>> = {}): Promise<number | null> {
    const code = await this.#server.stop();
    await this.startAgain(changes);
    return code;
  }

  /** After the server was killed. */
  async startAgain(changes: Readonly<Record<string, string>> = {}): Promise<void> {
    const environment = { ...this.environment, ...changes };
    this.#server = await startMillrace({ dataDirectory: this.folder, environment });
  }

  async stop(): Promise<void> {
    try {
      await this.#server.stop();
    } finally {
      await this.database?.close();
      await rm(this.folder, { recursive: true, force: true });
    }
  }

  async send(method: string, path: string, sent: Sent = {}): Promise<Reply> {
    const isJson = "json" in sent;
    const response = await fetch(this.url + path, {
      method,
      headers: { ...(isJson ? { "content-type": "application/json" } : {}), ...sent.headers },
      ...(isJson ? { body: JSON.stringify(sent.json) } : sent.body === undefined ? {} : { body: sent.body }),
    });
    const text = await response.text();
    const isReadable = response.headers.get("content-type")?.includes("json") === true && text !== "";
    const body: unknown = isReadable ? JSON.parse(text) : text;
    return { status: response.status, headers: response.headers, body };
  }

  /** GET that must succeed, with a body that fits the schema. */
  async get<Schema extends z.ZodType>(path: string, schema: Schema): Promise<z.output<Schema>> {
    const reply = await this.send("GET", path);
    expect(reply.status, `${path}: ${JSON.stringify(reply.body)}`).toBe(200);
    return schema.parse(reply.body);
  }

  document(id: string): Promise<Document> {
    return this.get(`/api/documents/${id}`, documentSchema);
  }

  analysis(id: string): Promise<Analysis> {
    return this.get(`/api/documents/${id}/analysis`, analysisSchema);
  }

  async job(id: string | null): Promise<JobDetail> {
    return await this.get(`/api/jobs/${id}`, jobDetailSchema);
  }

  async postText(text: string, headers: Record<string, string> = {}): Promise<AcceptedDocument> {
    const reply = await this.send("POST", "/api/documents", { json: { text }, headers });
    expect(reply.status, JSON.stringify(reply.body)).toBe(202);
    return acceptedDocumentSchema.parse(reply.body);
  }

  async postFile(bytes: Uint8Array | string, name: string): Promise<Reply> {
    const form = new FormData();
    form.set("file", new Blob([bytes]), name);
    return await this.send("POST", "/api/documents", { body: form });
  }

  /** The document when nothing is done for it any more. */
  async settled(id: string, timeoutMs = 45_000): Promise<Document> {
    const isOver = async (): Promise<Document | undefined> => {
      const document = await this.document(id);
      return isSettled(document.status) ? document : undefined;
    };
    return await waitFor(isOver, { describe: `the end of document ${id}`, timeoutMs, intervalMs: 50 });
  }

  /** Waits until a job or document looks as wanted. */
  async until<Value>(
    look: () => Promise<Value>,
    isWanted: (value: Value) => boolean,
    timeoutMs = 45_000,
  ): Promise<Value> {
    const seen = await waitFor(
      async () => {
        const value = await look();
        return isWanted(value) ? { value } : undefined;
      },
      { describe: "what the flow waits for", timeoutMs, intervalMs: 20 },
    );
    return seen.value;
  }

  /** Every page of a list, from the first to the last. */
  async listAll<Item extends z.ZodType>(path: string, item: Item, limit = 100): Promise<z.output<Item>[]> {
    const items: z.output<Item>[] = [];
    let cursor: string | null = "";
    while (cursor !== null) {
      const mark = path.includes("?") ? "&" : "?";
      const more = cursor === "" ? "" : `&cursor=${cursor}`;
      const reply = await this.send("GET", `${path}${mark}limit=${limit}${more}`);
      expect(reply.status).toBe(200);
      const page = pageSchema(item).parse(reply.body);
      expect(page.has_more).toBe(page.next_cursor !== null);
      items.push(...(page.data as z.output<Item>[]));
      cursor = page.next_cursor;
    }
    return items;
  }

  /** Numbers and types of a document's stored events; the work on it must have ended. */
  async events(id: string): Promise<{ seq: number; type: string }[]> {
    const reply = await this.send("GET", `/api/documents/${id}/events?until=finished`);
    expect(reply.status).toBe(200);
    const blocks = String(reply.body).split("\n\n");
    return blocks.flatMap((block) => {
      const seq = /^id: (\d+)$/m.exec(block)?.[1];
      const type = /^event: (.+)$/m.exec(block)?.[1];
      return seq === undefined || type === undefined || type === "snapshot"
        ? []
        : [{ seq: Number(seq), type }];
    });
  }

  /** A new document is processed as on the first day. */
  async expectAlive(): Promise<void> {
    const { document } = await this.postText("The mill works. It is a good day for the miller and his wife.");
    expect((await this.settled(document.id)).status).toBe("completed");
  }

  /** Names of files under the data folder's working places: what an upload or extraction left behind. */
  async leftovers(): Promise<string[]> {
    const places = ["unfinished", "tmp"].map((place) => join(this.folder, place));
    return (await Promise.all(places.map((place) => filesUnder(place)))).flat();
  }

  /** How many uploaded files are kept. */
  async storedFiles(): Promise<number> {
    return (await filesUnder(join(this.folder, "files"))).length;
  }
}

async function filesUnder(folder: string): Promise<string[]> {
  if (!existsSync(folder)) return [];
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
}

function databaseVariables(ground: Ground, database: TestDatabase | undefined): Record<string, string> {
  if (ground === "embedded") return {};
  const { url, pgbouncerUrl } = database ?? {};
  if (ground === "postgres") return { DATABASE_URL: required(url) };
  return { DATABASE_URL: required(pgbouncerUrl), DATABASE_DIRECT_URL: required(url) };
}

function required(url: string | undefined): string {
  if (url === undefined) throw new Error("This flow needs a database server that is not there.");
  return url;
}

/** The stable code of a problem reply. */
export function codeOf(reply: Reply): unknown {
  return typeof reply.body === "object" && reply.body !== null && "code" in reply.body
    ? reply.body.code
    : undefined;
}
