#!/usr/bin/env node
/** TABLE: command -> run. */
import { Command } from 'commander';
import { settingsTable } from '../config.js';
import { serve } from './serve.js';

const commands = [{ name: 'serve', description: 'Start the server and serve FHIR R4.', run: serve }] as const;

const program = new Command('afferent')
  .description('A FHIR R4 server for store-and-forward telehealth.')
  .addHelpText('after', `\nSettings, read from the environment:\n${settingsTable()}\n`);

for (const { name, description, run } of commands) {
  program
    .command(name)
    .description(description)
    .addHelpText('after', `\nSettings, read from the environment:\n${settingsTable()}\n`)
    .action(run);
}

await program.parseAsync();
