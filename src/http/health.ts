/** What an operator's probes ask: is the process alive, can it serve, and its counters. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Router } from 'express';
import express from 'express';
import type { Metrics } from '../kit/metrics.js';

export interface Health {
  /** Rejects when the store does not answer. */
  ping: () => Promise<void>;
  /** True once a graceful stop has begun. */
  stopping: () => boolean;
  metrics: Metrics;
}

/** Milliseconds within which the store must answer. */
const READY_MS = 1000;

export function healthRoutes({ ping, stopping, metrics }: Health): Router {
  const router = express.Router();
  router.get('/healthz', (_request, response) => {
    response.json({ status: 'ok' });
  });
  router.get('/readyz', async (_request, response) => {
    const ready =
      !stopping() &&
      (await Promise.race([
        ping().then(
          () => true,
          () => false,
        ),
        // Probes give up soon; a store that takes longer is not ready.
        pause(READY_MS, false, { ref: false }),
      ]));
    response.status(ready ? 200 : 503).json({ status: ready ? 'ready' : 'not ready' });
  });
  router.get('/metrics', async (_request, response) => {
    response.set('Content-Type', metrics.contentType).send(await metrics.text());
  });
  return router;
}
