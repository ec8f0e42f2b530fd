import { newId } from "@millrace/kernel";
import { describe, expect, it } from "vitest";
import type { ChangeNotice } from "./event.ts";
import { missedNews } from "./event-relay.ts";
import type { EventNews } from "./event-relay.ts";
import { formatNews, parseNews } from "./news-payload.ts";

const sender = newId();
const nothing: EventNews = { heads: [], crowded: [], notices: [] };

const notice = (data: ChangeNotice["data"], owner: string | null = "o"): ChangeNotice => ({
  topic: "workspace",
  owner,
  type: "document.changed",
  data,
});

/** What others understand of it, put together again. */
function carried(news: EventNews): EventNews {
  const parts = formatNews(sender, news).map((payload) => parseNews(payload, "another"));
  return {
    heads: parts.flatMap((part) => part?.heads ?? []),
    crowded: parts.flatMap((part) => part?.crowded ?? []),
    notices: parts.flatMap((part) => part?.notices ?? []),
  };
}

describe("formatNews and parseNews", () => {
  it("carry everything", () => {
    const news: EventNews = {
      heads: [{ stream: "document:1", seq: 12 }],
      crowded: ["job"],
      notices: [notice({ document_id: "1" }), ...missedNews.notices],
    };

    expect(carried(news)).toEqual(news);
  });

  it("share out what is too long for one notification of PostgreSQL", () => {
    const heads = Array.from({ length: 1000 }, (_value, seq) => ({ stream: `document:${newId()}`, seq }));
    const news = { ...nothing, heads, notices: [notice({ text: "ü".repeat(500) })] };

    const payloads = formatNews(sender, news);

    expect(payloads.length).toBeLessThan(12);
    expect(Math.max(...payloads.map((payload) => Buffer.byteLength(payload)))).toBeLessThan(8000);
    expect(carried(news)).toEqual(news);
  });

  it.each([
    ["what it says", notice({ text: "x".repeat(9000) }), { owner: "o", data: {} }],
    ["whom it concerns", notice({}, "x".repeat(9000)), { owner: null, data: {}, isForAll: true }],
  ])("leave out of a notice that is too long %s", (_what, long, expected) => {
    const { notices } = carried({ ...nothing, notices: [long] });

    expect(notices).toEqual([{ topic: "workspace", type: "workspace.changed", ...expected }]);
  });

  it("make nothing of nothing", () => {
    expect(formatNews(sender, nothing)).toEqual([]);
  });

  it("do not give back a process's own news", () => {
    const [payload = ""] = formatNews(sender, missedNews);

    expect(parseNews(payload, sender)).toBeUndefined();
  });

  it.each(["", ":", "x", "x:", "x:{", 'x:{"a":1}', ":[]", "[]"])("ignore %j, which is no news", (payload) => {
    expect(parseNews(payload, sender)).toBeUndefined();
  });

  it("tell everybody nothing of what is somebody's", () => {
    const payload = `x:[{"topic":"jobs","owner":"o","type":"job.changed","data":{"job_id":"1"},"isForAll":true}]`;

    expect(parseNews(payload, sender)?.notices).toEqual([missedNews.notices[1]]);
  });

  it("take what they know of the news of a newer version", () => {
    const payload = `x:[["job:a",3],{"kind":"new"},7,["job:b"],{"topic":"moon","owner":null,"type":"a.b","data":{}}]`;

    expect(parseNews(payload, sender)).toEqual({ ...nothing, heads: [{ stream: "job:a", seq: 3 }] });
  });
});
