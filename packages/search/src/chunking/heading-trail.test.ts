import { describe, expect, it } from "vitest";
import { HeadingTrail } from "./heading-trail.ts";

describe("HeadingTrail", () => {
  it("names the headings above a passage, outermost first", () => {
    const trail = new HeadingTrail();

    expect(trail.enter("Before any heading.")).toBeNull();
    expect(trail.enter("# Install\n\nText.\n\n## With Docker\n\nText.")).toBe("Install");
    expect(trail.enter("Text that goes on.")).toBe("Install › With Docker");
    expect(trail.enter("## By hand\n\nText.")).toBe("Install › By hand");
    expect(trail.enter("# Use\n\nText.")).toBe("Use");
  });

  it("names the headings above a place within a passage, also of one that goes on in a section", () => {
    const passage = "Text.\n\n## By hand\n\nMore.\n\n### On ships\n\nThe end.";
    const sectionOf = (words: string) =>
      new HeadingTrail("Install › With Docker").enterTo(passage, passage.indexOf(words));

    expect(["Text", "By hand", "More", "The end"].map(sectionOf)).toEqual([
      "Install › With Docker",
      "Install › By hand",
      "Install › By hand",
      "Install › By hand › On ships",
    ]);
  });

  it("takes no sign within a line for a heading", () => {
    expect(new HeadingTrail().enter("Issue # 5 is\n#hashtag and\n####### seven")).toBeNull();
  });

  it("leaves out the signs that follow a title", () => {
    expect(new HeadingTrail().enter("## With C# ##  \n\nText.")).toBe("With C#");
    expect(new HeadingTrail().enter("## With C#\n\nText.")).toBe("With C#");
    expect(new HeadingTrail().enter("# #\n\nText.")).toBeNull();
  });

  it("reads a long line of spaces, which took a pattern for hours", () => {
    const line = `# a${" ".repeat(200_000)}b`;

    expect(new HeadingTrail().enter(`${line}\n\n${line}#`)).toBeNull();
  });

  it("takes no comment of a program for a heading", () => {
    const trail = new HeadingTrail();
    trail.enter("# Install\n\n```sh\n# first this");

    expect(trail.enter("# then that\n```\n\n## Check\n\nText.")).toBe("Install");
    expect(trail.enter("More.")).toBe("Install › Check");
  });
});
