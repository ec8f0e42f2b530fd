import type { Models } from "@millrace/models";
import { Gauge } from "prom-client";
import type { Registry } from "prom-client";

/** What this process knows of the models that it calls; all read when asked for. Calls and costs: usage-metrics.ts. */
export function addModelMetrics(registry: Registry, models: Pick<Models, "endpoints">): void {
  addGauge(registry, "left_alone", "1 while a model is left alone because its server fails, else 0", () =>
    models
      .endpoints()
      .map(({ name, breaker }) => [name, breaker === "open" || breaker === "half_open" ? 1 : 0]),
  );
  addGauge(registry, "calls_running", "Calls in flight in this process", () =>
    models.endpoints().map(({ name, running }) => [name, running]),
  );
  addGauge(registry, "calls_waiting", "Calls that wait for a place in this process", () =>
    models.endpoints().map(({ name, waiting }) => [name, waiting]),
  );
}

function addGauge(
  registry: Registry,
  name: string,
  help: string,
  read: () => ReadonlyArray<readonly [model: string, value: number]>,
): void {
  const gauge = new Gauge({
    name: `millrace_model_${name}`,
    help,
    labelNames: ["model"],
    registers: [],
    collect() {
      for (const [model, value] of read()) this.set({ model }, value);
    },
  });
  registry.registerMetric(gauge);
}
