/** purge: erases a patient, without the time limit of a request. */
import { createAccess } from '../access/constraint.js';
import { operator } from '../access/principal.js';
import { ConfigError } from '../config.js';
import { loadDefinitions } from '../fhir/definitions.js';
import { isId } from '../fhir/reference.js';
import { systemClock } from '../kit/clock.js';
import { requestId } from '../kit/id.js';
import { createPurge } from '../repository/purge/index.js';
import { ownersIn } from '../repository/purge/scan.js';
import { isStale } from '../repository/reindex.js';
import { createRegistry } from '../search/registry.js';
import { refuseHalf } from '../transfer/fill.js';
import { baseOf, indexingOf, inSeconds, say, settings, withData } from './data.js';

export async function purgePatient(named: string): Promise<void> {
  const started = performance.now();
  const [type, id = ''] = named.split('/');
  if (type !== 'Patient' || !isId(id)) throw new ConfigError(`"${named.slice(0, 80)}" is not Patient/<id>.`);
  const config = settings();
  const registry = createRegistry(loadDefinitions());
  await withData(config, async (data) => {
    await refuseHalf(data.store);
    const indexing = indexingOf(config);
    // References are told by the rules that their search values were made by.
    if (await isStale(data.store, indexing))
      throw new ConfigError('BASE_URL, HOST or PORT are not those of the server, or it has to reindex first.');
    const purge = createPurge({
      ...data,
      access: createAccess(registry, baseOf(config)),
      clock: systemClock,
      registry,
      extract: indexing.extract,
      base: baseOf(config),
    });
    // Whoever has the data is the operator of all organizations on it.
    const principal = { ...operator, owners: await ownersIn(data.store) };
    const call = { id: requestId(), at: systemClock.now(), principal };
    const { resources, versions, blobs, record, warnings } = await purge(call, { type, id });
    for (const { diagnostics } of warnings) say(`  ${diagnostics}`);
    await data.store.erasing.compact();
    say(
      `Erased ${named}: ${resources} resources, ${versions} versions, ${blobs} blobs, in ${inSeconds(started)}. ${record.type}/${record.id} says so.`,
    );
  });
}
