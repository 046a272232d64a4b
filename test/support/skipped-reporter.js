/**
 * Says in the last lines of a test run which suites were skipped because what they need is not there, and why; with
 * `CI=true` that fails the run. JavaScript, because jest does not transform reporters.
 */

/** TABLE: how the names of such suites begin, why they are skipped, and what would help. */
const needs = [
  {
    what: 'MongoDB',
    reason: () => process.env.AFFERENT_TEST_MONGODB_ABSENT,
    advice: 'Install mongod 6 or later, or set MONGODB_URL to a replica set, to run them.',
  },
  {
    what: 'Browser',
    reason: () => 'no Chromium on the PATH',
    advice: "Install Debian's package chromium, or another Chromium, to run them.",
  },
];

export default class SkippedReporter {
  onRunComplete(_contexts, results) {
    const tests = results.testResults.flatMap((file) => file.testResults);
    for (const { what, reason, advice } of needs) {
      const skipped = tests.filter(
        (test) => test.status === 'pending' && test.ancestorTitles[0]?.startsWith(`${what}: `),
      );
      if (skipped.length === 0 || reason() === undefined) continue;
      const message = `${skipped.length} ${what} tests were SKIPPED: ${reason()}`;
      // At exit, because jest prints its own summary after all reporters have had their say.
      process.once('exit', () => process.stderr.write(`\n${message}\n${advice}\n`));
      if (process.env.CI === 'true') this.error = new Error(message);
    }
  }

  getLastError() {
    return this.error;
  }
}
