import { useEffect } from "react";
import { announce } from "../feedback/announcer.tsx";

let isFirstPage = true;

/** Names the page in the tab, and for screen readers when it was reached by a link. */
export function usePageTitle(title: string): void {
  useEffect(() => {
    document.title = title === "" ? "Millrace" : `${title} · Millrace`;
  }, [title]);
}

/** Reads a page's name out once, except for the first, which the browser reads by itself. */
export function useAnnouncedPage(name: string): void {
  useEffect(() => {
    if (!isFirstPage) announce(name);
    isFirstPage = false;
  }, [name]);
}
