import { silentLogger } from "@millrace/kernel";
import { expect, it } from "vitest";
import { publishEvents } from "./append-events.ts";
import { EventBus } from "./event-bus.ts";
import type { ChangeNotice } from "./event.ts";

it("tells lists what changed, once a stream, and nothing of text, progress and log lines", () => {
  const bus = new EventBus(silentLogger);
  const notices: ChangeNotice[] = [];
  bus.onNotice((notice) => notices.push(notice));
  const event = (stream: string, type: string) => ({ stream, owner: "o", type, data: {} });

  publishEvents(
    bus,
    [
      event("crew_run:1", "crew.text_written"),
      event("document:2", "document.progressed"),
      event("job:3", "job.logged"),
      event("crew_run:4", "crew.task_started"),
      event("crew_run:4", "crew.text_written"),
      event("crew_run:4", "crew.agent_turn"),
    ],
    [],
  );

  expect(notices).toEqual([
    { topic: "workspace", owner: "o", type: "crew_run.changed", data: { crew_run_id: "4" } },
  ]);
});
