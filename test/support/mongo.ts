/** What a MongoDB test begins with: the address of a mongod, and `describeMongo`, a skip that nobody overlooks. */

/** Where the tests' mongod listens; undefined when there is none. */
export const mongoUrl = (): string | undefined => process.env.AFFERENT_TEST_MONGODB_URL;

/**
 * Like `describe`, with the address handed in. Without a mongod the suite is skipped, the reporter says so in its last
 * lines, and a run with `CI=true` fails.
 */
export function describeMongo(name: string, suite: (url: string) => void): void {
  const url = mongoUrl();
  if (url === undefined) describe.skip(`MongoDB: ${name}`, () => suite('mongodb://absent.invalid'));
  else describe(`MongoDB: ${name}`, () => suite(url));
}

let databases = 0;

/** A database name that no other test uses, in this process or another. */
export function freshDatabase(): string {
  databases += 1;
  return `test_${process.pid}_${process.hrtime.bigint().toString(36)}_${databases}`;
}
