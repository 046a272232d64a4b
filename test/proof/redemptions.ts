/**
 * Races for what may be used once: of many who redeem one code, one refresh token, one assertion at the same time, over
 * two processes where a store may have them, one gets tokens, and all others are told the same.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Demo } from '../../src/auth/demo.js';
import { systemClock } from '../../src/kit/clock.js';
import {
  assertion,
  ASSERTION,
  clientOf,
  getCode,
  getTokens,
  post,
  REDIRECT,
  type SmartServer,
  type TokenAnswer,
} from '../support/smart.js';
import type { Proof } from './index.js';
import { onFreshData, startServer, type Server } from './server.js';

const RACERS = 64;

type Form = Record<string, string | undefined>;

/** TABLE: what is used once -> a fresh one of it, as the form that redeems it, and the error for all but one. */
const races: Record<string, { error: string; form: (server: SmartServer) => Promise<Form> }> = {
  code: {
    error: 'invalid_grant',
    form: async (server) => {
      const { code, verifier } = await getCode(server);
      const { client_id: id } = clientOf(server, 'app');
      return {
        grant_type: 'authorization_code',
        code,
        code_verifier: verifier,
        redirect_uri: REDIRECT,
        client_id: id,
      };
    },
  },
  refresh: {
    error: 'invalid_grant',
    form: async (server) => {
      const { tokens } = await getTokens(server, { ask: { scope: 'patient/*.rs offline_access' } });
      const { client_id: id } = clientOf(server, 'app');
      return { grant_type: 'refresh_token', refresh_token: tokens.refresh_token, client_id: id };
    },
  },
  jti: {
    error: 'invalid_client',
    form: async (server) => ({
      grant_type: 'client_credentials',
      scope: 'system/*.rs',
      client_assertion_type: ASSERTION,
      client_assertion: await assertion(server),
    }),
  },
};

export const redemptions: Proof = {
  name: 'races of redemptions',
  rounds: { long: 1000, short: 50 },
  run: (settings, rounds) =>
    onFreshData(settings, 'redeemed', async (environment) => {
      const servers: Server[] = [await startServer(environment, ['serve', '--demo'])];
      try {
        const base = servers[0]?.base ?? '';
        // SQLite belongs to one process; MongoDB may have several servers.
        if (settings.STORE === 'mongodb') {
          servers.push(await startServer({ ...environment, AUTHORIZATION: 'smart', BASE_URL: base }));
        }
        const issuers = servers.map((server) => server.base.replace(/\/fhir$/, ''));
        const demo = await demoIn(environment.DATA_DIR);
        const here = { base, issuer: issuers[0] ?? '', demo, clock: systemClock } as unknown as SmartServer;
        const figures = { rounds, racers: RACERS, processes: servers.length, won: 0, lost: 0 };
        for (let round = 0; round < rounds; round += 1) {
          for (const [what, { error, form }] of Object.entries(races)) {
            const once = await form(here);
            const answers = await Promise.all(
              Array.from({ length: RACERS }, (_, racer) =>
                post({ issuer: issuers[racer % issuers.length] ?? '' }, 'token', once),
              ),
            );
            judge(`round ${round}, ${what}`, answers, error);
            figures.won += 1;
            figures.lost += RACERS - 1;
          }
        }
        return figures;
      } finally {
        await Promise.all(servers.map((server) => server.stop()));
      }
    }),
};

function judge(round: string, answers: TokenAnswer[], error: string): void {
  const told = answers.map(({ body, status }) => `${status} ${String(body?.error ?? 'tokens')}`);
  const winners = answers.filter(({ status }) => status === 200);
  assert.equal(winners.length, 1, `${round}: not exactly one got tokens: ${told.join(', ')}`);
  const losers = answers.filter(({ body }) => body?.error === error);
  assert.equal(losers.length, answers.length - 1, `${round}: not all others were refused alike: ${told.join(', ')}`);
}

/** Written a moment after the server says that it serves. */
async function demoIn(folder: string): Promise<Demo> {
  for (let look = 0; look < 600; look += 1) {
    const text = await readFile(join(folder, 'demo.json'), 'utf8').catch(() => undefined);
    if (text !== undefined) return JSON.parse(text) as Demo;
    await pause(100);
  }
  throw new Error('the demo was not made');
}
