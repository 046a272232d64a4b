/**
 * Four whole patient histories, made by others, as transactions: the organizations and practitioners first, then each
 * history in one piece; every reference of it leads to what was stored, with referential integrity on.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { ask, describeServer } from '../support/server.js';

const FOLDER = new URL('../data/synthea/', import.meta.url);
const isShared = (name: string) => /^(hospital|practitioner)Information/.test(name);
const files = readdirSync(FOLDER).filter((name) => /_|Information/.test(name) && name.endsWith('.json'));
const histories = files.filter((name) => !isShared(name));

describeServer(
  'histories that others made',
  (server) => {
    const load = async (name: string) => {
      const body = readFileSync(new URL(name, FOLDER), 'utf8');
      const answer = await ask(server.base, { body });
      expect([name, answer.status, answer.body.issue?.slice(0, 3)]).toEqual([name, 200, undefined]);
      return { sent: JSON.parse(body), answered: answer.body };
    };

    test('load as transactions and read back with every reference rewritten', async () => {
      for (const name of ['hospitalInformation1559319163815.json', 'practitionerInformation1559319163815.json'])
        await load(name);
      expect(histories).toHaveLength(4);
      for (const name of histories) {
        const { sent, answered } = await load(name);
        expect(answered.entry).toHaveLength(sent.entry.length);
        const written = new Set(answered.entry.map(({ resource }: any) => `${resource.resourceType}/${resource.id}`));
        let local = 0;
        for (const { resource, response } of answered.entry) {
          expect(response.status).toBe('201 Created');
          const text = (await ask(`${server.base}/${resource.resourceType}/${resource.id}`)).text;
          expect(JSON.parse(text)).toEqual(resource);
          for (const [, reference = ''] of text.matchAll(/"reference":"([^"]*)"/g)) {
            if (reference.startsWith('#')) continue;
            expect(reference).toMatch(/^[A-Z][A-Za-z]+\/[A-Za-z0-9.-]+$/);
            if (written.has(reference)) local += 1;
            else expect((await ask(`${server.base}/${reference}`, { method: 'HEAD' })).status).toBe(200);
          }
        }
        const patient = answered.entry.find(({ resource }: any) => resource.resourceType === 'Patient').resource.id;
        expect(local).toBeGreaterThan(50);
        const { body } = await ask(`${server.base}/Patient/${patient}/Encounter?_summary=count`);
        expect(body.total).toBe(sent.entry.filter(({ resource }: any) => resource.resourceType === 'Encounter').length);
      }
    }, 60_000);
  },
  {},
  { REFERENTIAL_INTEGRITY: 'enforce' },
);
