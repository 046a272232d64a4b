/** Resources that others made, one by one: those of Microsoft's FHIR server that are valid R4, and Synthea's patients. */
import { readdirSync, readFileSync } from 'node:fs';

export interface Sample {
  name: string;
  resource: any;
}

const DATA = new URL('../data/', import.meta.url);
const verdicts = JSON.parse(readFileSync(new URL('../cases/microsoft-verdicts.json', import.meta.url), 'utf8'));

/** @param most how many of Synthea's resources to take of one type: it has hundreds that are alike */
export function validCorpus(most: number): Sample[] {
  const perType = new Map<string, number>();
  const microsoft = Object.keys(verdicts)
    .filter((file) => verdicts[file].verdict === 'valid')
    .map((file) => ({ name: file, resource: read(`microsoft-fhir-server/${file}`) }));
  const synthea = readdirSync(new URL('synthea/', DATA))
    .filter((file) => file.endsWith('.json'))
    .flatMap((file) => (read(`synthea/${file}`).entry ?? []) as { resource: any }[])
    .map(({ resource }) => ({ name: `${resource.resourceType}/${resource.id}`, resource }))
    .filter(({ resource }) => {
      const seen = perType.get(resource.resourceType) ?? 0;
      perType.set(resource.resourceType, seen + 1);
      return seen < most;
    });
  return [...microsoft, ...synthea];
}

const read = (file: string): any => JSON.parse(readFileSync(new URL(file, DATA), 'utf8').replace(/^\uFEFF/, ''));

/** Numbers from 0 to 1 that are the same in every run (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
