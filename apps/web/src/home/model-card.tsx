import { CloseButton } from "@mantine/core";
import IconSparkles from "@tabler/icons-react/dist/esm/icons/IconSparkles.mjs";
import { useSystem } from "../api/use-system.ts";
import { Notice } from "../feedback/notice.tsx";
import { useStoredFlag } from "../feedback/stored-flag.ts";
import classes from "./model-card.module.css";

/** Says honestly what the built-in model can do, and how to connect another. */
export function ModelCard() {
  const system = useSystem();
  const [isDismissed, setIsDismissed] = useStoredFlag("model-card-dismissed", false);
  if (system === undefined) return null;
  // With the built-in model the notices would say the same as the card, in other words.
  if (!system.models.chat.built_in) return <Notices texts={system.models.notices} />;
  if (isDismissed) return null;
  return (
    <Notice
      tone="accent"
      icon={<IconSparkles size={19} />}
      title="Using the built-in offline model"
      action={<CloseButton aria-label="Dismiss" onClick={() => setIsDismissed(true)} />}
    >
      <p>
        It picks sentences from your text; it does not write, and nothing leaves this machine. Connect a
        model: set <code className={classes.code}>CHAT_URL</code> and{" "}
        <code className={classes.code}>CHAT_MODEL</code> (Ollama, vLLM, OpenAI and others) or{" "}
        <code className={classes.code}>GEMINI_API_KEY</code>, and start again.
      </p>
    </Notice>
  );
}

function Notices({ texts }: { texts: readonly string[] }) {
  return texts.map((text) => (
    <Notice key={text} tone="plain" icon={<IconSparkles size={19} />}>
      <p>{text}</p>
    </Notice>
  ));
}
