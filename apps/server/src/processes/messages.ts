/** What the supervisor tells a process of its: `stop` lets things end for a while, `hurry` does not. */
export type ToProcess = "stop" | "hurry";

/** What such a process tells its supervisor: `listening` once it hears what it is told, `ready` once it works. */
export type FromProcess = "listening" | "ready";
