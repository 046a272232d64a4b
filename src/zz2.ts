import { readFileSync } from 'node:fs';
import { parseJson } from './kit/json.js';
import { loadDefinitions } from './fhir/definitions.js';
import { createValidator } from './validate/validator.js';
const f = process.argv[2]!;
const t0 = performance.now();
const d = loadDefinitions();
const t1 = performance.now();
const v = createValidator(d);
const r: any = parseJson(readFileSync(f), 64);
const t = performance.now();
const n = v.validate(r).length;
console.log(f.split('/').pop(), 'load', (t1-t0).toFixed(1), 'first', (performance.now() - t).toFixed(1), 'issues', n);
const t2 = performance.now(); v.validate(r); console.log('second', (performance.now()-t2).toFixed(2));
for (let k=0;k<3;k++){ const t3=performance.now(); for (let i=0;i<3000;i++) v.validate(r); console.log('warm µs', ((performance.now()-t3)/3).toFixed(1)); }
