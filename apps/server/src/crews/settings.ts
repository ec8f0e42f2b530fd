import type { SettingsSection } from "@millrace/kernel";
import { z } from "zod";

/** What the operator says of crews. */
export const crewSettings = {
  title: "Crews",
  schema: z.object({
    CREW_PERMISSIONS: z
      .string()
      .transform((text) =>
        text
          .split(",")
          .map((permission) => permission.trim())
          .filter((permission) => permission !== ""),
      )
      // Both together would let a document that gives orders send others out: that is for the operator to allow.
      .default(["documents:read"])
      .describe(
        "What tools of crews may need, with commas between; default documents:read. network:fetch lets agents fetch pages: beside documents:read, a text that gives orders to agents could send documents out. A run whose tools need more is refused before it costs anything. Those of your own tools go here too.",
      ),
  }),
} satisfies SettingsSection;
