/** Asks a server as random callers, and compares each answer with what the authorizer says. */
import fc from 'fast-check';
import { createEyes } from './authorizer.js';
import { fitting, tokens } from './callers.js';
import type { Answer } from './line.js';
import { isSame, type Request, type Verdict } from './request.js';
import { requests } from './requests.js';
import type { Token } from './roles.js';
import type { Stand } from './stand.js';
import type { Json, World } from './world.js';

/** Pairs of one draw: after them what was created in the meantime is asked about too, and time goes on. */
const CHUNK = 250;
/** Three and a half days: what ends in the world, by a Consent's period or a referral's time, ends within 2,000 pairs. */
const LEAP = 84 * 3600 * 1000;
const PAGES = 1000;
const PROGRESS = 1000;

export interface Figures {
  pairs: number;
  /** Pairs whose caller saw something, and those that were refused. */
  seen: number;
  refused: number;
  writes: number;
}

/** An answer was not the authorizer's. */
export class Wrong extends Error {
  constructor(
    readonly pairs: number,
    message: string,
  ) {
    super(message);
  }
}

/** Throws at the first answer that is not the authorizer's, made as small as it can be. `tell` hears how far it is. */
export async function compare(
  stand: Stand,
  pairs: number,
  seed: number,
  tell: (figures: Figures) => void = () => undefined,
): Promise<Figures> {
  const figures: Figures = { pairs: 0, seen: 0, refused: 0, writes: 0 };
  for (let chunk = 0; chunk * CHUNK < pairs; chunk += 1) {
    const callers = tokens(stand.world);
    // What a wrongly accepted write did is done: to draw smaller ones would compare two different worlds.
    let broken: unknown;
    const asked = [callers, requests(stand.world, callers), fc.option(fc.nat(9999), { freq: 3 })] as const;
    const property = fc.asyncProperty(...asked, async (drawn, request, nth) => {
      if (broken !== undefined) fc.pre(false);
      const token = nth === null ? drawn : fitting(stand.world, drawn, request, nth);
      figures.pairs += 1;
      try {
        await compareOne(stand, token, request, figures);
      } catch (error) {
        if (request.effect !== undefined) broken = error;
        throw error;
      }
    });
    const numRuns = Math.min(CHUNK, pairs - chunk * CHUNK);
    const result = await fc.check(property, { numRuns, seed: seed * 1000 + chunk, unbiased: true });
    if (result.failed)
      throw new Wrong(
        figures.pairs,
        `Again: npx tsx test/oracle/holed.ts ${seed} ${figures.pairs}\n${(result.errorInstance as Error).message}`,
      );
    if (figures.pairs % PROGRESS === 0) tell(figures);
    stand.world.now += LEAP;
  }
  return figures;
}

async function compareOne(stand: Stand, token: Token, request: Request, figures: Figures): Promise<void> {
  const { world } = stand;
  const eyes = createEyes(world, token);
  const expected = request.expected(eyes);
  const { answer, said } = await answerTo(stand, token, request, world);
  if (!agrees(said, expected)) throw new Error(counterexample(stand, token, request, expected, said, answer));
  if (answer.status >= 400) figures.refused += 1;
  else if ((said.shown?.length ?? 0) > 0) figures.seen += 1;
  if (answer.status < 300 && request.effect !== undefined) {
    request.effect(eyes, answer);
    world.now += 1000;
    world.revision += 1;
    figures.writes += 1;
  }
}

async function answerTo(stand: Stand, token: Token, { method, path, headers, body, follow }: Request, world: World) {
  let answer = await stand.ask(token, method, path, headers, body);
  const said = verdictOf(answer, world);
  for (let page = 0, next = nextOf(answer); follow !== undefined && next !== undefined && page < PAGES; page += 1) {
    answer = await stand.ask(
      follow === 'pages' || isSame(token, follow) ? token : follow,
      'GET',
      next.slice(stand.base.length),
    );
    const more = verdictOf(answer, world);
    said.status = more.status;
    said.shown = [...(said.shown ?? []), ...(more.shown ?? [])].sort();
    next = answer.status < 300 ? nextOf(answer) : undefined;
    if (answer.status >= 400) delete said.shown;
  }
  if (follow !== undefined) delete said.total;
  return { answer, said };
}

const nextOf = ({ body }: Answer): string | undefined =>
  body?.link?.find((link: Json) => link.relation === 'next')?.url;

function verdictOf({ status, body }: Pick<Answer, 'status' | 'body'>, world: World): Verdict {
  if (status >= 300 || body === undefined) return { status };
  const name = ({ resourceType, id }: Json) => `${resourceType}/${id}`;
  if (body.resourceType !== 'Bundle') return { status, shown: [name(body)] };
  const entries: Json[] = body.entry ?? [];
  if (body.type.endsWith('-response'))
    return {
      status,
      entries: entries.map(({ response, resource }) =>
        verdictOf({ status: parseInt(response.status, 10), body: resource }, world),
      ),
    };
  if (body.type === 'history') {
    const versions = entries.map(({ fullUrl, response }) => {
      const [, which = ''] = /([A-Za-z]+\/[^/]+)$/.exec(fullUrl) ?? [];
      return `${which}/${/\d+/.exec(response.etag)?.[0] ?? ''}`;
    });
    // What comes with the server has other histories than the world's, and they hide nothing.
    return { status, shown: versions.filter((one) => isOurs(world, one)).sort() };
  }
  return {
    status,
    shown: entries.map(({ resource }) => name(resource)).sort(),
    ...(body.total === undefined ? {} : { total: body.total }),
  };
}

const isOurs = (world: World, version: string): boolean => {
  const kept = world.at.get(version.split('/').slice(0, 2).join('/'));
  return kept === undefined ? !version.startsWith('Questionnaire/') : kept.owner !== '*';
};

/** What the oracle does not say is not compared. */
function agrees(said: Verdict, expected: Verdict): boolean {
  if (
    expected.status === 'refused'
      ? Number(said.status) < 400 || Number(said.status) >= 500
      : said.status !== expected.status
  )
    return false;
  if (expected.shown !== undefined && said.shown?.join() !== expected.shown.join()) return false;
  if (expected.total !== undefined && said.total !== expected.total) return false;
  if (expected.entries === undefined) return true;
  return (
    said.entries?.length === expected.entries.length &&
    expected.entries.every((one, at) => agrees(said.entries![at]!, one))
  );
}

function counterexample(
  stand: Stand,
  token: Token,
  request: Request,
  expected: Verdict,
  said: Verdict,
  answer: Answer,
): string {
  const { method, path, headers = {}, body, follow } = request;
  const isLeak = (said.shown ?? []).filter((one) => !(expected.shown ?? []).includes(one));
  const isDenied = (expected.shown ?? []).filter((one) => !(said.shown ?? []).includes(one));
  const given = Object.entries({ ...headers, 'X-Caller': JSON.stringify(token) }).map(
    ([name, value]) => ` -H '${name}: ${value}'`,
  );
  const sent = body === undefined ? '' : ` -d '${typeof body === 'string' ? body : JSON.stringify(body)}'`;
  const all = [...isLeak, ...isDenied]
    .slice(0, 3)
    .map((one) => stand.world.at.get(one.split('/').slice(0, 2).join('/')));
  return [
    `curl -X ${method} '$BASE${path}'${given.join('')}${sent}`,
    ...(follow === undefined ? [] : [`then the next pages, as ${JSON.stringify(follow)}`]),
    `expected ${brief(expected)}`,
    `said     ${brief(said)}`,
    ...(isLeak.length > 0 ? [`shown, and must not be: ${isLeak.join(' ')}`] : []),
    ...(isDenied.length > 0 ? [`must be shown, and is not: ${isDenied.join(' ')}`] : []),
    ...all.flatMap((one) =>
      one === undefined
        ? []
        : [
            `${one.type}/${one.id} of ${one.owner}: ${JSON.stringify(one.versions.map(({ at, resource }) => [new Date(at).toISOString(), resource]))}`,
          ],
    ),
    answer.text.slice(0, 500),
  ].join('\n');
}

/** Of a long list only how long it is: what differs is told below. */
const brief = (verdict: Verdict): string =>
  JSON.stringify(verdict, (name, value) => (name === 'shown' && value.length > 12 ? `${value.length} of them` : value));
