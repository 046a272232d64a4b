/** Counters and histograms in Prometheus' text format. What each request counts is an addition to a plain number. */
import { Counter, Registry, collectDefaultMetrics } from 'prom-client';

export interface Metrics {
  /** One answered request: its interaction, its status, and how long it took. */
  answered(interaction: string, status: number, seconds: number): void;
  /** One request that was told at once that there is too much to do. */
  refused(): void;
  text(): Promise<string>;
  contentType: string;
}

export function createMetrics(): Metrics {
  const register = new Registry();
  collectDefaultMetrics({ register });
  const answers = new Map<string, Map<number, number>>();
  new Counter({
    name: 'afferent_requests_total',
    help: 'Requests answered, by FHIR interaction and HTTP status.',
    labelNames: ['interaction', 'status'],
    registers: [register],
    collect() {
      this.reset();
      for (const [interaction, statuses] of answers)
        for (const [status, count] of statuses) this.inc({ interaction, status }, count);
    },
  });
  const refusals = new Counter({
    name: 'afferent_requests_refused_total',
    help: 'Requests answered with 503 at the door, because too many were under way.',
    registers: [register],
  });
  const durations = createDurations();
  return {
    answered(interaction, status, seconds) {
      let statuses = answers.get(interaction);
      if (statuses === undefined) answers.set(interaction, (statuses = new Map<number, number>()));
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      durations.observe(interaction, seconds);
    },
    refused() {
      refusals.inc();
    },
    text: async () => `${await register.metrics()}\n${durations.text()}`,
    contentType: register.contentType,
  };
}

const DURATION = 'afferent_request_duration_seconds';

/** Upper bounds in seconds; the last bucket takes all that is longer. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, Infinity];

interface Durations {
  /** How many fell into each bucket, and into none before it. */
  counts: number[];
  sum: number;
}

/** A histogram with nothing to look up but its interaction: the library's costs ten times as much a request. */
function createDurations() {
  const byInteraction = new Map<string, Durations>();
  return {
    observe(interaction: string, seconds: number): void {
      let durations = byInteraction.get(interaction);
      if (durations === undefined)
        byInteraction.set(interaction, (durations = { counts: BUCKETS.map(() => 0), sum: 0 }));
      let bucket = 0;
      while (seconds > (BUCKETS[bucket] ?? Infinity)) bucket += 1;
      durations.counts[bucket] = (durations.counts[bucket] ?? 0) + 1;
      durations.sum += seconds;
    },
    text(): string {
      const help = 'Time from the request line to the last byte of the answer, by FHIR interaction.';
      const lines = [`# HELP ${DURATION} ${help}`, `# TYPE ${DURATION} histogram`];
      for (const [interaction, { counts, sum }] of byInteraction) {
        const label = `interaction="${interaction}"`;
        let total = 0;
        counts.forEach((count, at) => {
          total += count;
          const bound = BUCKETS[at] ?? Infinity;
          lines.push(`${DURATION}_bucket{le="${bound === Infinity ? '+Inf' : bound}",${label}} ${total}`);
        });
        lines.push(`${DURATION}_sum{${label}} ${sum}`, `${DURATION}_count{${label}} ${total}`);
      }
      return `${lines.join('\n')}\n`;
    },
  };
}
