import { Counter, Gauge, type Registry } from 'prom-client';

/** Figures by name: help, and the value out of a status that is read when somebody asks. */
export type Figures<Status, Value> = Readonly<
  Record<string, readonly [help: string, of: (status: Status) => Value]>
>;

/** Gauges; one is absent while its value is null: there is nothing to say. */
export function addGauges<Status>(
  registry: Registry,
  figures: Figures<Status, number | null>,
  status: () => Status,
): void {
  for (const [name, [help, figureOf]] of Object.entries(figures)) {
    new Gauge({
      ...{ name, help, registers: [registry] },
      collect() {
        const value = figureOf(status());
        if (value === null) this.remove();
        else this.set(value);
      },
    });
  }
}

/** Counters of what has happened since the start. */
export function addCounters<Status>(
  registry: Registry,
  figures: Figures<Status, number>,
  status: () => Status,
): void {
  for (const [name, [help, figureOf]] of Object.entries(figures)) {
    new Counter({
      ...{ name, help, registers: [registry] },
      collect() {
        this.reset();
        this.inc(figureOf(status()));
      },
    });
  }
}
