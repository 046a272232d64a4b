/** npm run docs: writes the tables of `docs/smart.md` below its mark. */
import { readFileSync, writeFileSync } from 'node:fs';
import { format } from 'prettier';
import { DOCUMENT, MARK, traceability } from './trace.js';

const [own] = readFileSync(DOCUMENT, 'utf8').split(MARK);
writeFileSync(
  DOCUMENT,
  await format(`${own ?? ''}${MARK}\n\n${traceability()}`, { parser: 'markdown', printWidth: 120 }),
);
