/** Counters and histograms in Prometheus' text format. Labels are bound once, so that a request costs two additions. */
import { Counter, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

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
  const requests = new Counter({
    name: 'afferent_requests_total',
    help: 'Requests answered, by FHIR interaction and HTTP status.',
    labelNames: ['interaction', 'status'],
    registers: [register],
  });
  const refusals = new Counter({
    name: 'afferent_requests_refused_total',
    help: 'Requests answered with 503 at the door, because too many were under way.',
    registers: [register],
  });
  const duration = new Histogram({
    name: 'afferent_request_duration_seconds',
    help: 'Time from the request line to the last byte of the answer, by FHIR interaction.',
    labelNames: ['interaction'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers: [register],
  });
  return {
    answered(interaction, status, seconds) {
      requests.labels(interaction, String(status)).inc();
      duration.labels(interaction).observe(seconds);
    },
    refused() {
      refusals.inc();
    },
    text: () => register.metrics(),
    contentType: register.contentType,
  };
}
