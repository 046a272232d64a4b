/** The thread for large bodies: it begins here, does what it is asked one after the other, and knows no store. */
import { parentPort, workerData } from 'node:worker_threads';
import { loadDefinitions } from '../../fhir/definitions.js';
import { assert } from '../../kit/assert.js';
import { standBack } from '../../kit/thread.js';
import { createRegistry } from '../../search/registry.js';
import { createAnswering, createCheckReady } from '../../validate/answering.js';
import { createValidator } from '../../validate/validator.js';
import { createIndexing } from '../reindex.js';
import { answerOf, failed, transferred, type Answer } from './message.js';
import { createPrepare, type Task } from './prepare.js';

assert(parentPort !== null, 'This file is a thread of the server.');
standBack();
const port = parentPort;
const { base } = workerData as { base: string };
const definitions = loadDefinitions();
const { extract } = createIndexing(createRegistry(definitions), base);
const answers = createAnswering(createCheckReady(definitions));
const prepare = createPrepare({ definitions, validator: createValidator(definitions), extract, answers, base });

port.on('message', (task: Task) => {
  void attempt(task).then((answer) => {
    port.postMessage(answer, transferred(answer));
  });
});
port.postMessage('ready');

async function attempt(task: Task): Promise<Answer> {
  try {
    return answerOf(await prepare(task));
  } catch (error) {
    return failed(error);
  }
}
