/** The parts of a WebSocket that we use, so that tests can hand in their own. */
export type SocketLike = { readonly send: (text: string) => void; readonly close: () => void };

export type SocketHandlers = {
  readonly onMessage: (text: unknown) => void;
  /** Called once, also when the connection never opened. */
  readonly onClose: (code: number) => void;
};

/** What the live client needs from the browser. */
export type LiveEnvironment = {
  readonly openSocket: (handlers: SocketHandlers) => SocketLike;
  readonly random: () => number;
  /** Calls `onWake` when the network is back or the tab is looked at again. Returns the way out. */
  readonly watchWake: (onWake: () => void) => () => void;
  /** Runs once, before the next paint. */
  readonly beforePaint: (run: () => void) => void;
};

/** How long a hidden tab collects frames: it has no animation frames to wait for. */
const hiddenFlushMs = 250;

export function browserEnvironment(): LiveEnvironment {
  return {
    openSocket: ({ onMessage, onClose }) => {
      const url = new URL("/api/ws", location.href);
      url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
      const socket = new WebSocket(url, "millrace.v1");
      socket.addEventListener("message", (event) => onMessage(event.data));
      socket.addEventListener("close", (event) => onClose(event.code));
      return socket;
    },
    random: Math.random,
    watchWake: (onWake) => {
      const onVisible = () => {
        if (!document.hidden) onWake();
      };
      window.addEventListener("online", onWake);
      document.addEventListener("visibilitychange", onVisible);
      return () => {
        window.removeEventListener("online", onWake);
        document.removeEventListener("visibilitychange", onVisible);
      };
    },
    beforePaint: (run) => {
      if (document.hidden) setTimeout(run, hiddenFlushMs);
      else requestAnimationFrame(run);
    },
  };
}
