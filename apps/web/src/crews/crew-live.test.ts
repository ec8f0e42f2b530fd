import { describe, expect, it } from "vitest";
import type { TopicEvent } from "../live/watched-topic.ts";
import { applyCrewEvents, noCrewNews, workersOf } from "./crew-live.ts";

const place = { task: "write", agent: "Editor", step: "write/1" };
let seq = 0;

function event(type: string, data: Readonly<Record<string, unknown>> = {}): TopicEvent {
  seq += 1;
  return { t: "ev", topic: "crew_run:1", seq, type, data: { ...data }, at: "2026-11-21T12:00:00Z" };
}

const told = (...events: TopicEvent[]) => applyCrewEvents(noCrewNews, events).news;
const written = (text: string, reset = false) => event("crew.text_written", { ...place, text, reset });

describe("a turn", () => {
  it("shows its text as it is written", () => {
    const news = told(event("crew.turn_started", place), written("The ", true), written("mill"));

    expect(news.items).toMatchObject([{ kind: "turn", state: "running", text: "The mill" }]);
    expect(workersOf(news)).toMatchObject([{ agent: "Editor", tool: undefined, isWriting: true }]);
  });

  it("begins its text anew at a reset: nothing is doubled after a crash", () => {
    const news = told(event("crew.turn_started", place), written("The mi", true), written("The mill", true));

    expect(news.items).toMatchObject([{ text: "The mill" }]);
  });

  it("is one item when it is begun again", () => {
    const news = told(
      event("crew.turn_started", place),
      written("The mi", true),
      event("crew_run.queued"),
      event("crew.turn_started", place),
    );

    expect(news.items).toMatchObject([{ state: "running", text: "" }]);
  });

  it("ends with what was recorded, and late text changes nothing", () => {
    const news = told(
      event("crew.turn_started", place),
      written("The mi", true),
      event("crew.agent_turn", {
        ...place,
        outcome: "answered",
        text: "The mill.",
        tools: ["search"],
        model: "fake",
        input_tokens: 5,
        output_tokens: null,
        cost: null,
        cached: false,
        latency_ms: 120,
      }),
      written("lost"),
    );

    expect(news.items).toMatchObject([
      {
        state: "answered",
        text: "The mill.",
        tools: ["search"],
        inputTokens: 5,
        outputTokens: null,
        cost: null,
      },
    ]);
    expect(workersOf(news)).toEqual([]);
  });

  it("keeps what it wrote when it failed", () => {
    const news = told(
      written("The mi", true),
      event("crew.agent_turn", { ...place, outcome: "failed", error_code: "model_timed_out" }),
    );

    expect(news.items).toMatchObject([{ state: "failed", text: "The mi", errorCode: "model_timed_out" }]);
  });
});

describe("a run that is put off", () => {
  const putOff = event("crew_run.put_off", { error: "No budget is left.", retry_in_seconds: 60 });

  it("is asked for anew, and nobody works on it", () => {
    const { news, asksFor } = applyCrewEvents(told(event("crew.turn_started", place)), [putOff]);

    expect(workersOf(news)).toEqual([]);
    expect(asksFor).toBe("state");
  });
});

describe("a call of a tool", () => {
  const call = { ...place, step: "write/1/tool", tool: "calculator" };

  it("is under way until it is recorded", () => {
    const begun = told(event("crew.tool_started", call));
    const { news } = applyCrewEvents(begun, [
      event("crew.tool_called", {
        ...call,
        input: '{"a":1}',
        outcome: "failed",
        output: "No",
        latency_ms: 3,
      }),
    ]);

    expect(workersOf(begun)).toMatchObject([{ tool: "calculator" }]);
    expect(news.items).toMatchObject([{ kind: "tool", state: "failed", input: '{"a":1}', output: "No" }]);
  });

  it("stands beside the turn of the same step", () => {
    const news = told(
      event("crew.turn_started", place),
      event("crew.tool_started", { ...call, step: place.step }),
    );

    expect(news.items.map(({ kind }) => kind)).toEqual(["turn", "tool"]);
  });
});

describe("a question", () => {
  it("is one item before and after the answer", () => {
    const asked = told(event("crew.person_asked", { ...place, output: "x" }));
    const { news } = applyCrewEvents(asked, [event("crew.person_answered", { ...place, feedback: "" })]);

    expect(asked.items).toMatchObject([{ kind: "question", feedback: undefined }]);
    expect(news.items).toMatchObject([{ kind: "question", feedback: "" }]);
  });
});

describe("the end of an attempt", () => {
  it.each(["crew_run.waiting", "crew_run.retry_scheduled", "crew_run.cancelled", "job.failed"])(
    "leaves nobody at work (%s)",
    (type) => {
      const news = told(event("crew.turn_started", place), event(type));

      expect(news.items).toMatchObject([{ state: "stopped" }]);
      expect(workersOf(news)).toEqual([]);
    },
  );
});

describe("what the API is asked for", () => {
  it("is nothing for what passes", () => {
    const events = [written("a"), event("crew.turn_started", place), event("crew_run.progressed")];

    expect(applyCrewEvents(noCrewNews, events).asksFor).toBe("nothing");
  });

  it("is everything that was recorded", () => {
    expect(applyCrewEvents(noCrewNews, [event("crew.task_completed", place)]).asksFor).toBe("state");
    expect(applyCrewEvents(noCrewNews, [event("crew_run.completed")]).asksFor).toBe("state");
  });
});

describe("the history", () => {
  it("is whole when the start of the run is in it", () => {
    expect(told(event("crew.started")).hasStart).toBe(true);
    expect(told(event("crew.turn_started", place)).hasStart).toBe(false);
  });

  it("survives fields of another kind than promised", () => {
    const strange = event("crew.agent_turn", { step: 7, tools: "none", text: null, latency_ms: "fast" });

    expect(told(strange).items).toMatchObject([{ kind: "turn", text: "", tools: [], latencyMs: null }]);
  });
});
