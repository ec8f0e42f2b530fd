import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { analyse } from "./analyse.ts";
import type { BuiltInOperation } from "./operations.ts";
import { splitSentences } from "./reading/sentences.ts";

function fixture(name: string): string {
  return readFileSync(new URL(`../../test/fixtures/${name}`, import.meta.url), "utf8");
}

function ask(operation: BuiltInOperation, text: string): unknown {
  return analyse({ operation, text, title: null, language: null });
}

const summaryOf = (text: string) => z.object({ text: z.string() }).parse(ask("summary", text)).text;
const pointsOf = (text: string) =>
  z.object({ points: z.array(z.string()) }).parse(ask("key_points", text)).points;
const topicsOf = (text: string) =>
  z.object({ topics: z.array(z.string()) }).parse(ask("topics", text)).topics;
const sentimentOf = (text: string) =>
  z
    .object({ label: z.string(), score: z.number(), evidence: z.array(z.string()) })
    .parse(ask("sentiment", text));

const proseFixtures = [
  ["English", "news-en.txt", "en"],
  ["German", "report-de.txt", "de"],
  ["French", "report-fr.txt", "fr"],
  ["Chinese", "report-zh.txt", "zh"],
] as const;

it("does not begin a summary with a pronoun of which nobody knows what it means", () => {
  const text = [
    "# The water mill and its river\n\nA few words on Lydford.",
    "It is overall the most important water mill of the river, with a wheel of 40 feet and three stones for wheat and rye.",
    "The water mill at Lydford grinds wheat and rye for eleven villages along the river.",
    "The wheel of the water mill turns three stones and was repaired in spring.",
    "Many visitors come to Lydford on every Sunday of the long summer.",
    "The stones came from the hills above the river.",
  ].join(" ");

  expect(summaryOf(text)).toMatch(/^The water mill at Lydford/);
});

describe.each(proseFixtures)("the built-in model on %s prose", (_name, file, language) => {
  const text = fixture(file);

  it("summarises in two to four sentences of the text, in its order", () => {
    const sentences = splitSentences(summaryOf(text), language);
    const positions = sentences.map((sentence) => text.indexOf(sentence));

    expect(sentences.length).toBeGreaterThanOrEqual(2);
    expect(sentences.length).toBeLessThanOrEqual(4);
    expect(positions.every((position) => position >= 0)).toBe(true);
    expect(positions).toEqual(positions.toSorted((left, right) => left - right));
  });

  it("gives three to seven different key points that stand in the text", () => {
    const points = pointsOf(text);

    expect(points.length).toBeGreaterThanOrEqual(3);
    expect(points.length).toBeLessThanOrEqual(7);
    expect(points.every((point) => text.includes(point))).toBe(true);
    expect(new Set(points).size).toBe(points.length);
  });

  it("names three to eight topics that stand in the text", () => {
    const topics = topicsOf(text);

    expect(topics.length).toBeGreaterThanOrEqual(3);
    expect(topics.length).toBeLessThanOrEqual(8);
    expect(topics.every((topic) => text.toLowerCase().includes(topic.toLowerCase()))).toBe(true);
  });

  it("gives the same answer twice", () => {
    const first = [summaryOf(text), pointsOf(text), topicsOf(text)];

    expect([summaryOf(`${text} `), pointsOf(`${text} `), topicsOf(`${text} `)]).toEqual(first);
  });
});

describe("what the built-in model finds", () => {
  it("opens a news summary with what happened", () => {
    expect(summaryOf(fixture("news-en.txt"))).toMatch(/^The city council of Port Ellery voted on Tuesday/);
  });

  it("names the subjects of a text", () => {
    expect(topicsOf(fixture("news-en.txt"))).toContain("Harbour Bridge");
    expect(topicsOf(fixture("report-de.txt"))).toContain("Wärmepumpen");
    expect(topicsOf(fixture("report-zh.txt"))).toContain("夜间开放");
  });

  it("names nothing twice in singular and plural", () => {
    const topics = topicsOf(
      "A queue holds jobs for later. The oldest queues are the longest. Each worker takes a job from the queue. Workers love short jobs.",
    );

    expect(topics.filter((topic) => /^queues?$/i.test(topic))).toHaveLength(1);
  });

  it("uses the headings and keeps code out", () => {
    const markdown = `# Notes\n\n\`\`\`py\nimport os\n\`\`\`\n\n${fixture("news-en.txt")}\n\n    x = compute(1, 2)\n`;

    expect(`${summaryOf(markdown)} ${pointsOf(markdown).join(" ")}`).not.toMatch(/import|compute|#/);
  });
});

describe("the built-in model's sentiment", () => {
  it("tells a happy review, with the sentences that decided", () => {
    const text = fixture("review-en.txt");
    const { label, score, evidence } = sentimentOf(text);

    expect(label).toBe("positive");
    expect(score).toBeGreaterThan(0.2);
    expect(evidence.length).toBeGreaterThanOrEqual(1);
    expect(evidence.every((sentence) => text.includes(sentence))).toBe(true);
  });

  it("tells an angry one", () => {
    const text =
      "The phone is a terrible disappointment. It broke after two days and the screen looks ugly. The support was rude and useless. I hate that I wasted my money on it.";

    expect(sentimentOf(text)).toMatchObject({ label: "negative", score: expect.any(Number) });
  });

  it("calls a review that praises and complains mixed, and shows both sides", () => {
    const { label, evidence } = sentimentOf(fixture("mixed-en.txt"));

    expect(label).toBe("mixed");
    expect(evidence.length).toBeGreaterThanOrEqual(2);
  });

  it("is not fooled by the words of a trade", () => {
    const text =
      "The worker retries a failed job after an error. A critical alert is raised when the process is killed. Dropped messages end in the dead letter queue. The scheduler stops and resolves the deadlock.";

    expect(sentimentOf(text).label).toBe("neutral");
  });

  it.each([
    ["report-de.txt", "German"],
    ["report-zh.txt", "Chinese"],
  ])("says that it can't judge %s", (file, language) => {
    expect(() => sentimentOf(fixture(file))).toThrow(
      expect.objectContaining({
        code: "sentiment_language_unsupported",
        kind: "unsupported",
        details: { language },
      }),
    );
  });
});

describe("the built-in model on next to nothing", () => {
  it("gives a single word back as its summary and topic", () => {
    expect(summaryOf("Postgres")).toBe("Postgres");
    expect(topicsOf("Postgres")).toEqual(["Postgres"]);
  });

  it.each(["key_points", "sentiment"] as const)("has no %s for a single word", (operation) => {
    expect(() => ask(operation, "Postgres")).toThrow(
      expect.objectContaining({ code: "text_too_short", kind: "unsupported" }),
    );
  });

  it.each(["", "   \n", "!!! ??? ***", "😀"])("says that %j is too short", (text) => {
    expect(() => ask("topics", text)).toThrow(expect.objectContaining({ code: "text_too_short" }));
    expect(() => ask("summary", text)).toThrow(expect.objectContaining({ code: "text_too_short" }));
  });

  it("says when a text is only code", () => {
    const code = "const total = items.reduce((sum, item) => sum + item.price, 0);\n".repeat(30);

    expect(() => ask("summary", code)).toThrow(
      expect.objectContaining({ code: "text_without_sentences", kind: "unsupported" }),
    );
  });

  it("finds topics in a transcript without full stops, and quotes nothing of it", () => {
    const transcript =
      "and then the harbour bridge was closed so we took the ferry across the harbour ".repeat(60);

    expect(topicsOf(transcript)).toContain("harbour bridge");
    expect(() => ask("summary", transcript)).toThrow(
      expect.objectContaining({ code: "text_without_sentences" }),
    );
  });

  it("lists a note's items when it has hardly a sentence", () => {
    const points = pointsOf(
      "Shopping for the trip:\n- two warm sleeping bags\n- a gas stove\n- water for three days\n",
    );

    expect(points).toEqual(["two warm sleeping bags", "a gas stove", "water for three days"]);
  });
});
