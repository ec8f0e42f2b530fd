import { setImmediate } from "node:timers/promises";
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { jobSchema } from "@millrace/contracts";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import type { Readiness } from "../../src/http/health.ts";
import { createTestApp, token } from "./test-app.ts";

const opened: FastifyInstance[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((app) => app.close()));
});

const bearer = { authorization: `Bearer ${token}` };

async function appWith(readiness: () => Promise<Readiness>): Promise<FastifyInstance> {
  const { app } = await createTestApp({ readiness, environment: { MILLRACE_TOKEN: token } });
  opened.push(app);
  return app;
}

const notReady: Readiness = {
  ready: false,
  checks: { database: { ok: false, detail: "connection refused at 10.0.0.5" } },
  warnings: ["queue documents has no worker"],
};

describe("health", () => {
  it.each(["/livez", "/healthz", "/livez/"])(
    "says on %s that the process answers, even when nothing works",
    async (url) => {
      const app = await appWith(async () => {
        throw new Error("no database");
      });

      const response = await app.inject(url);

      expect(response.statusCode).toBe(200);
      expect(response.json()).toEqual({ status: "ok" });
      expect(response.headers["cache-control"]).toBe("no-store");
    },
  );

  it("asks once for all who ask at the same time", async () => {
    let asked = 0;
    const all = Promise.withResolvers<void>();
    const app = await appWith(async () => {
      asked++;
      await all.promise;
      return notReady;
    });

    const answers = Promise.all(Array.from({ length: 100 }, () => app.inject("/readyz")));
    // However slow the machine is, each has come to the question after some turns of the loop.
    for (let turn = 0; turn < 200; turn++) await setImmediate();
    all.resolve();
    await answers;
    await app.inject("/readyz");

    expect(asked).toBe(2);
  });

  it("tells strangers only whether it is ready", async () => {
    const app = await appWith(async () => notReady);

    const response = await app.inject("/readyz");

    expect(response.statusCode).toBe(503);
    expect(response.json()).toEqual({ ready: false });
    expect(response.headers["retry-after"]).toBe("5");
  });

  it("tells those with access why not", async () => {
    const app = await appWith(async () => notReady);

    const response = await app.inject({ url: "/readyz", headers: bearer });

    expect(response.json()).toEqual(notReady);
  });

  it("is ready when the checks say so", async () => {
    const app = await appWith(async () => ({ ready: true, checks: {}, warnings: [] }));

    expect((await app.inject("/readyz")).statusCode).toBe(200);
  });

  it("is not ready when the checks fail", async () => {
    const app = await appWith(async () => {
      throw new Error("no database at 10.0.0.5");
    });

    const response = await app.inject({ url: "/readyz", headers: bearer });

    expect(response.statusCode).toBe(503);
    expect(response.json()).toMatchObject({ ready: false, checks: { readiness: { ok: false } } });
    expect(response.body).not.toContain("10.0.0.5");
  });
});

describe("metrics", () => {
  it("measure requests by route pattern, so that addresses don't become labels", async () => {
    const app = await appWith(async () => notReady);
    app.get("/api/things/:id", async () => ({}));

    await app.inject({ url: "/api/things/private-1", headers: bearer });
    await app.inject({ url: "/api/things/private-2", headers: bearer });
    await app.inject({ url: "/random-private-3", headers: bearer });
    const response = await app.inject({ url: "/metrics", headers: bearer });

    expect(response.headers["content-type"]).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(response.body).toContain(
      'millrace_http_request_duration_seconds_count{method="GET",route="/api/things/:id",status="200"} 2',
    );
    expect(response.body).toContain('route="unmatched",status="404"');
    expect(response.body).not.toContain("private");
  });
});

describe("the API description", () => {
  it("is OpenAPI 3.1 with named schemas and a problem for each route", async () => {
    const app = await appWith(async () => notReady);
    app
      .withTypeProvider<ZodTypeProvider>()
      .get(
        "/api/jobs/:id",
        { schema: { params: z.object({ id: z.uuid() }), response: { 200: jobSchema } } },
        async () => {
          throw new Error("never called");
        },
      );
    await app.ready();

    const response = await app.inject({ url: "/openapi.json", headers: bearer });

    expect(response.statusCode).toBe(200);
    const description = response.json<{
      openapi: string;
      paths: Record<string, unknown>;
      components: { schemas: Record<string, unknown> };
    }>();
    expect(description.openapi).toBe("3.1.0");
    expect(Object.keys(description.paths).toSorted()).toEqual(["/api/jobs/{id}", "/api/session"]);
    expect(description.paths["/api/jobs/{id}"]).toMatchObject({
      get: {
        responses: {
          200: { content: { "application/json": { schema: { $ref: "#/components/schemas/Job" } } } },
          default: {
            content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
          },
        },
      },
    });
    expect(description.components.schemas).toHaveProperty("Job");
    expect(description.components.schemas).toHaveProperty("Problem");
  });

  it("has no reference that leads nowhere", async () => {
    const app = await appWith(async () => notReady);

    const { body } = await app.inject({ url: "/openapi.json", headers: bearer });

    const named = Object.keys((JSON.parse(body) as { components: { schemas: object } }).components.schemas);
    const used = [...body.matchAll(/#\/components\/schemas\/(\w+)/g)].map((match) => match[1]);
    expect(used.length).toBeGreaterThan(0);
    expect(used.filter((schema) => !named.includes(schema ?? ""))).toEqual([]);
  });
});
