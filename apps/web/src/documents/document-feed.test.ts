import { QueryClient, QueryObserver } from "@tanstack/react-query";
import { afterEach, beforeEach, expect, it } from "vitest";
import { testAnalysis, testDocument } from "../../test/sample-document.ts";
import { queryKeys } from "../api/query-keys.ts";
import type { SocketHandlers } from "../live/environment.ts";
import { QueryRenewals } from "../live/query-renewals.ts";
import { LiveSocket } from "../live/socket.ts";
import { DocumentFeed } from "./document-feed.ts";
import { viewFromRequests } from "./document-view.ts";
import type { DocumentView } from "./document-view.ts";

const id = testDocument().id;
const processing = testDocument({ status: "processing" });
const completed = testDocument({ status: "completed" });

let handlers: SocketHandlers;
let socket: LiveSocket;
let queries: QueryClient;
let renewals: QueryRenewals;
let feed: DocumentFeed;

beforeEach(() => {
  socket = new LiveSocket({
    openSocket: (given) => {
      handlers = given;
      return { send: () => undefined, close: () => undefined };
    },
    random: () => 1,
    watchWake: () => () => undefined,
    beforePaint: (run) => run(),
  });
  queries = new QueryClient();
  renewals = new QueryRenewals(queries);
  feed = new DocumentFeed(queries, socket, renewals);
  socket.start();
  handlers.onMessage(JSON.stringify({ t: "hello", server_time: "", heartbeat: 20, session: "s" }));
});

afterEach(() => {
  renewals.stop();
  queries.clear();
  socket.stop();
});

it("keeps a snapshot when an answer that was under way is older", async () => {
  const answers: ((view: DocumentView) => void)[] = [];
  const page = new QueryObserver<DocumentView>(queries, {
    queryKey: queryKeys.document(id),
    queryFn: () => new Promise((resolve) => answers.push(resolve)),
  });
  const leave = page.subscribe(() => undefined);
  const release = feed.watch(id);

  const data = { document: completed, analysis: testAnalysis(), job: null };
  handlers.onMessage(JSON.stringify({ t: "snap", topic: `document:${id}`, seq: 9, data }));
  answers[0]?.(viewFromRequests(processing, testAnalysis()));
  await new Promise((resolve) => setTimeout(resolve));

  expect(page.getCurrentResult().data?.document.status).toBe("completed");
  expect(answers).toHaveLength(2);
  release();
  leave();
});
