/**
 * Says in the last lines of a test run that MongoDB suites were skipped, and why; with `CI=true` that fails the run.
 * JavaScript, because jest does not transform reporters.
 */
export default class MongoReporter {
  onRunComplete(_contexts, results) {
    const tests = results.testResults.flatMap((file) => file.testResults);
    const skipped = tests.filter(
      (test) => test.status === 'pending' && test.ancestorTitles[0]?.startsWith('MongoDB: '),
    );
    const reason = process.env.AFFERENT_TEST_MONGODB_ABSENT;
    if (skipped.length === 0 || reason === undefined) return;
    const message = `${skipped.length} MongoDB tests were SKIPPED: ${reason}`;
    const advice = 'Install mongod 6 or later, or set MONGODB_URL to a replica set, to run them.';
    // At exit, because jest prints its own summary after all reporters have had their say.
    process.once('exit', () => process.stderr.write(`\n${message}\n${advice}\n`));
    if (process.env.CI === 'true') this.error = new Error(message);
  }

  getLastError() {
    return this.error;
  }
}
