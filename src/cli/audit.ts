/** audit verify: whether the audit trail is what was written. */
import { readFile } from 'node:fs/promises';
import { verifyTrail } from '../audit/verify.js';
import { ConfigError } from '../config.js';
import type { AuditHead } from '../store/port.js';
import { inSeconds, placeOf, say, settings, withData } from './data.js';

export async function audit(verb: string, options: { heads?: string }): Promise<void> {
  if (verb !== 'verify') throw new ConfigError(`audit ${verb.slice(0, 40)}: the only verb is verify.`);
  const started = performance.now();
  const config = settings();
  const kept = options.heads === undefined ? [] : await headsIn(options.heads);
  await withData(config, async ({ store }) => {
    const { links, records, heads, findings } = await verifyTrail(store.audit, kept);
    for (const { chain, count, hash } of heads) process.stdout.write(`${chain} ${count} ${hash}\n`);
    for (const { at, what } of findings) say(`  ${at}  ${what}`);
    const looked = `${records} records in ${links} links of ${heads.length} chains, ${placeOf(config)}, in ${inSeconds(started)}`;
    if (findings.length === 0) say(`The audit trail is what was written: ${looked}.`);
    else throw new ConfigError(`The audit trail was changed: ${findings.length} findings. ${looked}.`);
  });
}

/** As an earlier run printed them, a line each. */
async function headsIn(file: string): Promise<AuditHead[]> {
  const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line.trim() !== '');
  return lines.map((line) => {
    const [, chain = '', count = '', hash = ''] = /^([0-9a-f]{16}) (\d{1,15}) ([0-9a-f]{64})\s*$/.exec(line) ?? [];
    if (chain === '') throw new ConfigError(`${file}: "${line.slice(0, 40)}" is no head that audit verify prints.`);
    return { chain, count: Number(count), hash };
  });
}
