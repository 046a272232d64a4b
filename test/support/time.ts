/** Measuring time on a machine that others use too. */

/** Milliseconds of CPU that this process spends meanwhile, all of its threads together: others do not count. */
export async function cpuOf(work: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** The shortest of up to ten rounds; it ends with the first that is within the limit. All in milliseconds. */
export async function quickest(limit: number, round: () => Promise<number>): Promise<number> {
  let best = Infinity;
  for (let at = 0; at < 10 && best >= limit; at += 1) best = Math.min(best, await round());
  return best;
}
