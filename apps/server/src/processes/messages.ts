/** What the supervisor tells a process of its: `stop` lets things end for a while, `hurry` does not. */
export type ToProcess = "stop" | "hurry";

/** What such a process tells its supervisor. */
export type FromProcess = "ready";
