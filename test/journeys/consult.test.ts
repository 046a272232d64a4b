/** The demo as a test, on both stores. */
import { describeSmart } from '../support/smart.js';
import { gather } from './cast.js';
import { playConsult } from './consult.js';

describeSmart('the consult', (server) => {
  test('goes from referral to report, and to nobody else', async () => {
    const said: string[] = [];
    await playConsult(await gather(server), (line) => said.push(line));
    expect(said).toContain('    requested → accepted → in-progress → completed');
    expect(said.filter((line) => line.includes('Outsider') && /cannot|nothing/.test(line)).length).toBeGreaterThan(6);
    expect(said.at(-1)).toMatch(/\n {4}200 DiagnosticReport\?subject=.*: 0$/);
  }, 120_000);
});
