/**
 * Loaded with `--import` into the server that is measured: records how late the event loop of its
 * main thread is, and answers over the IPC channel. The server's own /metrics reset their record at
 * each scrape and know no maximum of a span.
 */
import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import { isMainThread } from "node:worker_threads";

const millisecond = 1_000_000;

// Worker threads inherit --import; their loops are not the one that answers requests.
if (isMainThread && process.send !== undefined) {
  const histogram = monitorEventLoopDelay({ resolution: 10 });
  histogram.enable();
  let before = performance.eventLoopUtilization();
  process.on("message", (word) => {
    if (word === "reset") {
      histogram.reset();
      before = performance.eventLoopUtilization();
    } else if (word === "read") {
      const [p50, p99] = [histogram.percentile(50), histogram.percentile(99)];
      const { utilization } = performance.eventLoopUtilization(before);
      process.send?.({
        p50: p50 / millisecond,
        p99: p99 / millisecond,
        max: histogram.max / millisecond,
        utilization,
      });
    }
  });
  // A listener for messages would keep the server from ending by itself.
  process.channel?.unref();
}
