import { Kbd } from "../parts/kbd.tsx";
import { TextInput } from "@mantine/core";
import IconSearch from "@tabler/icons-react/dist/esm/icons/IconSearch.mjs";
import { useNavigate, useRouterState } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { isShortcutWanted } from "./shortcuts.ts";

/** Search from anywhere: Enter opens the results, "/" comes here. */
export function HeaderSearch() {
  const navigate = useNavigate();
  const input = useRef<HTMLInputElement>(null);
  const [text, setText] = useState("");
  const pathname = useRouterState({ select: (state) => state.location.pathname });
  const isSearchPage = pathname === "/search";

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== "/" || !isShortcutWanted(event)) return;
      event.preventDefault();
      const field = document.querySelector<HTMLInputElement>("#search-query") ?? input.current;
      field?.focus();
      field?.select();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);

  // The search page has a box of its own; two of them side by side ask which one counts.
  if (isSearchPage) return <span />;
  return (
    <form
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        const query = text.trim();
        if (query === "") return;
        setText("");
        void navigate({ to: "/search", search: { q: query } });
      }}
    >
      <TextInput
        ref={input}
        type="search"
        aria-label="Search documents"
        placeholder="Search documents"
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        leftSection={<IconSearch size={16} aria-hidden="true" />}
        rightSection={<Kbd>/</Kbd>}
        rightSectionPointerEvents="none"
      />
    </form>
  );
}
