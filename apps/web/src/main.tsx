import "./app/styles.ts";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app/app.tsx";
import { announceNonce, readNonce } from "./app/nonce.ts";
import { createServices } from "./app/services.ts";
import { reloadWhenStale } from "./app/stale-page.ts";
import { askBeforeLeaving } from "./uploads/ask-before-leaving.ts";

const nonce = readNonce();
announceNonce(nonce);

const services = createServices();
askBeforeLeaving(services.uploads, window);
reloadWhenStale(() => services.uploads.isSending);

const root = document.getElementById("root");
if (root === null) throw new Error("The page has no #root element");

createRoot(root).render(
  <StrictMode>
    <App services={services} nonce={nonce} />
  </StrictMode>,
);
