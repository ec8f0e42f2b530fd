import "./app/styles.ts";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app/app.tsx";
import { announceNonce, readNonce } from "./app/nonce.ts";
import { createServices } from "./app/services.ts";
import { reloadWhenStale } from "./app/stale-page.ts";

const nonce = readNonce();
announceNonce(nonce);
reloadWhenStale();

const root = document.getElementById("root");
if (root === null) throw new Error("The page has no #root element");

createRoot(root).render(
  <StrictMode>
    <App services={createServices()} nonce={nonce} />
  </StrictMode>,
);
