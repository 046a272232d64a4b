/** Migrations: each once, all or none, and never backwards. */
import Database from 'better-sqlite3';
import { migrate } from '../../../src/store/sqlite/schema.js';

const steps = ['CREATE TABLE one (a)', 'CREATE TABLE two (a)', 'INSERT INTO one VALUES (1)'];
const version = (db: Database.Database) => db.pragma('user_version', { simple: true });

test('each step is taken once, from where the database stands', () => {
  const db = new Database(':memory:');
  migrate(db, steps.slice(0, 1));
  expect(version(db)).toBe(1);
  migrate(db, steps);
  migrate(db, steps);
  expect(version(db)).toBe(3);
  expect(db.prepare('SELECT count(*) FROM one').pluck().get()).toBe(1);
});

test('a step that fails leaves the database as it was', () => {
  const db = new Database(':memory:');
  migrate(db, steps.slice(0, 1));
  expect(() => migrate(db, [...steps, 'CREATE TABLE one (a)'])).toThrow(/already exists/);
  expect(version(db)).toBe(1);
  expect(db.prepare("SELECT name FROM sqlite_schema WHERE name = 'two'").get()).toBeUndefined();
});

test('a database of a later release is not opened', () => {
  const db = new Database(':memory:');
  db.pragma('user_version = 99');
  expect(() => migrate(db)).toThrow(/schema 99 and this release knows/);
  expect(version(db)).toBe(99);
});
