import { MantineProvider } from "@mantine/core";
import { createMemoryHistory, createRootRoute, createRouter, RouterProvider } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { renderToString } from "react-dom/server";
import { describe, expect, it } from "vitest";
import { unreachableProblem } from "../api/problem.ts";
import { LoadMore, LoadMoreLink } from "./load-more.tsx";

const loaded = {
  hasNextPage: true,
  isFetchingNextPage: false,
  isFetchNextPageError: false,
  error: null,
  fetchNextPage: () => Promise.resolve(),
};
const failed = { ...loaded, isFetchNextPageError: true, error: unreachableProblem() };

async function render(content: ReactNode): Promise<string> {
  const routeTree = createRootRoute({ component: () => content });
  const router = createRouter({ routeTree, history: createMemoryHistory() });
  await router.load();
  return renderToString(
    <MantineProvider>
      <RouterProvider router={router} />
    </MantineProvider>,
  );
}

describe("LoadMore", () => {
  it("says beside the button why the next page did not come", async () => {
    const html = await render(<LoadMore list={failed} />);

    expect(html).toContain("Load more");
    expect(html).toContain("The server does not answer.");
  });

  it("says nothing of a list that could not be asked for again, as its pages are there", async () => {
    const html = await render(<LoadMore list={{ ...failed, isFetchNextPageError: false }} />);

    expect(html).not.toContain("The server does not answer.");
  });

  it("is not there at the end of the list", async () => {
    const html = await render(<LoadMore list={{ ...loaded, hasNextPage: false }} />);

    expect(html).not.toContain("Load more");
  });
});

describe("LoadMoreLink", () => {
  it("says beside the link why the next page did not come", async () => {
    const html = await render(<LoadMoreLink to="/documents" list={failed} onLoad={() => undefined} />);

    expect(html).toContain("Load more");
    expect(html).toContain("The server does not answer.");
  });
});
