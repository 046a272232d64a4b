/** Writes by which much is open to others, or closed to them, that was not before. */
import fc from 'fast-check';
import { openNow } from './authorizer.js';
import type { Request } from './request.js';
import { openIn } from './sharing.js';
import { keptOf, once, thereOf } from './state.js';
import { asImport, effectOf, leadingTo, updated } from './writes.js';
import { current, latest, nameOf, OWNERS, type World } from './world.js';

/** A Consent ends that keeps something from another organization: what is open without it is open anew. */
export const endConsent = (world: World): fc.Arbitrary<Request> =>
  fc.nat().map((n): Request => {
    const all = once(world, 'ending', () => {
      const free = openIn(world, () => false);
      const kept = world.kept.filter((one) =>
        OWNERS.some((to) => free.get(to)!.has(nameOf(one)) && !openNow(world).get(to)!.has(nameOf(one))),
      );
      const there = thereOf(world, 'Consent').filter((one) => current(one).status === 'active');
      const keeping = there.filter((consent) =>
        kept.some(
          (one) => one.owner === consent.owner && leadingTo(current(one)).includes(current(consent).patient.reference),
        ),
      );
      return keeping.length > 0 ? keeping : keptOf(world, 'Consent');
    });
    const kept = all[n % all.length]!;
    const next = { ...latest(kept), status: n % 2 === 0 ? 'inactive' : 'entered-in-error' };
    return {
      method: 'PUT',
      path: `/${nameOf(kept)}`,
      body: next,
      about: { owner: kept.owner, versions: [{ at: world.now, resource: { patient: next.patient } }] },
      by: ['coordinator', 'administrator'],
      expected: (eyes) => asImport(eyes, updated(eyes, kept, next), false),
      effect: effectOf(kept, next),
    };
  });

/** A request that another organization sees is revoked, or one that nobody else sees becomes active. */
export const turnRequest = (world: World): fc.Arbitrary<Request> =>
  fc.nat().map((n): Request => {
    const all = keptOf(world, 'ServiceRequest');
    const open = once(world, 'open requests', () =>
      all.filter((kept) => OWNERS.some((to) => kept.owner !== to && openNow(world).get(to)!.has(nameOf(kept)))),
    );
    const [some, status] =
      n % 2 === 0
        ? [open, 'revoked']
        : [thereOf(world, 'ServiceRequest').filter((kept) => !open.includes(kept)), 'active'];
    const from = some.length > 0 ? some : all;
    const kept = from[Math.floor(n / 2) % from.length]!;
    const next = { ...latest(kept), status };
    return {
      method: 'PUT',
      path: `/${nameOf(kept)}`,
      body: next,
      about: { owner: kept.owner, versions: [{ at: world.now, resource: { subject: next.subject } }] },
      expected: (eyes) => asImport(eyes, updated(eyes, kept, next), false),
      effect: effectOf(kept, next),
    };
  });
