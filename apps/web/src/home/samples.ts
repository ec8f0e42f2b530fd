export type Sample = {
  readonly label: string;
  readonly fileName: string;
  readonly mediaType: string;
  readonly load: () => Promise<string>;
};

/** Loaded when asked for, from this server like everything else. */
export const samples: readonly Sample[] = [
  {
    label: "Report",
    fileName: "harbour-freight-q3-report.txt",
    mediaType: "text/plain",
    load: async () => (await import("./samples/report.txt?raw")).default,
  },
  {
    label: "Meeting notes",
    fileName: "weekly-meeting-notes.md",
    mediaType: "text/markdown",
    load: async () => (await import("./samples/meeting-notes.md?raw")).default,
  },
  {
    label: "Product page",
    fileName: "tideline-kettle.html",
    mediaType: "text/html",
    load: async () => (await import("./samples/product-page.html?raw")).default,
  },
];
