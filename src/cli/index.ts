#!/usr/bin/env node
/** TABLE: command -> run. */
import { Command } from 'commander';
import { settingsTable } from '../config.js';
import { account, client, ehr } from './accounts.js';
import { audit } from './audit.js';
import { backupTo, restoreFrom } from './backup.js';
import { blobs } from './blobs.js';
import { told } from './data.js';
import { moveTo } from './move.js';
import { purgePatient } from './purge.js';
import { reindexAll } from './reindex.js';
import { serve } from './serve.js';

type Option = readonly [flags: string, meaning: string];

const accountOptions: readonly Option[] = [
  ['--role <role>', 'administrator, coordinator, referrer, specialist, patient, related-person or auditor'],
  ['--organization <id>', 'the Organization that it acts for'],
  ['--name <name>', 'how the person is greeted'],
  ['--fhir-user <reference>', 'who that is in FHIR: Practitioner/<id>, Patient/<id>, …'],
  ['--patient <ids>', 'the patients of a patient or related person, with commas between'],
  ['--openid <issuer and subject>', 'who signs in at OPENID_ISSUER needs no password: "<issuer> <subject>"'],
];

const clientOptions: readonly Option[] = [
  ['--redirect <uris>', 'where an app is sent back to, with spaces between; it can ask for users’ consent then'],
  ['--launch-url <url>', 'where an EHR opens it'],
  ['--secret', 'it gets a secret (a client on a server); without it and without keys it is public'],
  ['--jwks <file>', 'it has keys: the public ones, a JSON Web Key Set'],
  ['--jwks-uri <url>', 'it has keys, and shows the public ones there'],
  ['--backend', 'it acts by itself, for its organization (client_credentials); it needs keys'],
  ['--organization <id>', 'the Organization that a backend service acts for'],
  ['--scope <scopes>', 'the most that it may be granted'],
  ['--introspects', 'it may ask what tokens of other clients mean'],
  ['--launches', 'it is an EHR that launches apps for its users'],
  ['--id <client_id>', 'a client_id of your choice'],
];

const DEMO: Option = [
  '--demo',
  'on loopback, in smart mode: two organizations, people and clients to try things out with, new with every start',
];

/** The name says the arguments too; `help` says what an operator should know before running it. */
const commands = [
  { name: 'serve', description: 'Start the server and serve FHIR R4.', help: '', options: [DEMO], run: serve },
  {
    name: 'account <verb> [username]',
    description: 'account add|list|password|remove: people who sign in. The password is made here and told once.',
    help: 'A running server takes it up at once. Who is removed is signed out, and their apps lose their access.',
    options: accountOptions,
    run: told(account),
  },
  {
    name: 'client <verb> [name]',
    description:
      'client add|list|remove: apps and systems. client_id and secret go to standard output, and are told once.',
    help: 'A running server takes it up at once.',
    options: clientOptions,
    run: told(client),
  },
  {
    name: 'ehr <verb> [iss]',
    description: 'ehr add|list|remove: other EHRs that may launch our page. What to register there is told.',
    help: 'A running server takes it up at once. Set BASE_URL, or HOST and PORT, as the server has them.',
    options: [
      ['--client-id <client_id>', 'what we are called there'],
      ['--secret <secret>', 'our secret there, if there is one'],
    ],
    run: told(ehr),
  },
  {
    name: 'backup <folder>',
    description: 'Copy everything to a new folder: all versions, blobs and the vault. A server may go on meanwhile.',
    help: `The folder must be new or empty. It holds patients' data and the server's secrets in plain form: guard it.
Whatever was acknowledged before the command began is in it. It names no kind of store and restores into either.`,
    run: told(backupTo),
  },
  {
    name: 'restore <folder>',
    description: 'Put a backup into an empty store: nothing is ever overwritten.',
    help: `STORE, DATA_DIR, MONGODB_URL and MONGODB_DATABASE say into which. The whole backup is checked before anything is
written, and the store is compared with it at the end. Interrupted, the same command goes on; until then no server
starts on that store.`,
    run: told(restoreFrom),
  },
  {
    name: 'move <store>',
    description: 'Copy everything from STORE to the other kind of store, sqlite or mongodb, and compare both by hash.',
    help: `STORE says where the data is now. DATA_DIR is the SQLite side, MONGODB_URL and MONGODB_DATABASE the other; the side
that is moved to must be empty. Interrupted, the same command goes on. A server may run on the old side: stop it
afterwards, move once more, which copies only what is new, and start with the other STORE.`,
    run: told(moveTo),
  },
  {
    name: 'reindex',
    description: 'Make the search values of all resources anew.',
    help: `A server does this by itself when it starts and finds that its search parameters or its base URL have changed. Set
BASE_URL, or HOST and PORT, as the server has them. Interrupted, the next start of a server goes on with it.`,
    run: told(reindexAll),
  },
  {
    name: 'blobs <collect> [grace] [held]',
    description: 'blobs collect: remove the bytes that no version refers to. A server does so every hour.',
    help: `Such bytes come from uploads whose resource was never written. They are kept for [grace] seconds (3600) after
they came, and for [held] seconds (3600) while a process may still be about to write what refers to them. Give 0 for
[held] only when no server and no other command works on this store; any [grace] is safe.`,
    run: told(blobs),
  },
  {
    name: 'audit <verb>',
    description: 'audit verify: walk the audit trail and say where it was altered, cut, or added to.',
    help: `The heads of its chains go to standard output: keep them where nobody can change them who can change the store,
and give them back with --heads. Without kept heads, whoever can write to the store could make the whole trail anew.
A server may go on meanwhile.`,
    options: [['--heads <file>', 'heads that earlier runs printed: the trail must still come by each of them']],
    run: told(audit),
  },
  {
    name: 'purge <patient>',
    description: 'purge Patient/<id>: erase what belongs to a patient, for good. A server may go on meanwhile.',
    help: `All of the patient's compartment, all versions, deleted resources too, and their bytes. It cannot be undone, and
backups that were made before still have it. One AuditEvent stays. Interrupted, give the same command again. Set
BASE_URL, or HOST and PORT, as the server has them. SQLite's file is rewritten at the end, which takes as much room
again while it lasts, and makes others wait.`,
    run: told(purgePatient),
  },
] as const;

const program = new Command('afferent')
  .description('A FHIR R4 server for store-and-forward telehealth.')
  .addHelpText('after', `\nSettings, read from the environment:\n${settingsTable()}\n`);

for (const { name, description, help, run, ...more } of commands) {
  const command = program
    .command(name)
    .description(description)
    .addHelpText(
      'after',
      `${help === '' ? '' : `\n${help}\n`}\nSettings, read from the environment:\n${settingsTable()}\n`,
    )
    .action(run);
  for (const [flags, meaning] of 'options' in more ? more.options : []) command.option(flags, meaning);
}

await program.parseAsync();
