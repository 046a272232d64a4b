/**
 * The client with the settings that make an acknowledged write a lasting one. They are not the operator's to weaken: a
 * URL that asks for less is refused at start, and so is a server that cannot keep them.
 */
import { MongoClient, MongoServerSelectionError, type MongoClientOptions } from 'mongodb';
import { checkServer, checkUrl, MongoRefused } from './checks.js';

/** What a write waits for: a majority of the members, each with the write in its journal. */
export const durable = { w: 'majority', j: true, wtimeoutMS: 5000 } as const;

export async function connect(url: string, selectionMs: number): Promise<MongoClient> {
  checkUrl(url);
  const client = new MongoClient(url, { ...settings, serverSelectionTimeoutMS: selectionMs });
  try {
    await client.connect();
    await checkServer(client);
    return client;
  } catch (error) {
    await client.close();
    throw error instanceof MongoServerSelectionError ? notFound(url, error) : error;
  }
}

/** Names the hosts, never the user and password that a URL may hold. */
function notFound(url: string, cause: MongoServerSelectionError): MongoRefused {
  const hosts = new URL(url.replace(/^mongodb(\+srv)?:/, 'http:').replace(/,[^/]*/, '')).host;
  const set = /[?&]replicaSet=([^&]*)/i.exec(url)?.[1];
  const asked = set === undefined ? '' : ` as a member of the replica set "${set}"`;
  const advice = 'Start mongod with --replSet, initiate the set once (rs.initiate()), and check MONGODB_URL.';
  return new MongoRefused(`no primary answers at ${hosts}${asked} (${cause.message}). ${advice}`);
}

const settings: MongoClientOptions = {
  appName: 'afferent',
  writeConcern: durable,
  readConcern: { level: 'majority' },
  readPreference: 'primary',
  retryWrites: true,
  retryReads: true,
  connectTimeoutMS: 5000,
  // Longer than any operation may take on the server, so that it ends only what hangs.
  socketTimeoutMS: 30_000,
  waitQueueTimeoutMS: 10_000,
  maxPoolSize: 64,
};
