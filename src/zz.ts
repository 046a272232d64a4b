import { readFileSync, readdirSync } from 'node:fs';
import { parseJson } from './kit/json.js';
import { loadDefinitions } from './fhir/definitions.js';
import { createValidator } from './validate/validator.js';
const d = loadDefinitions();
const v = createValidator(d);
for (const dir of ['/work/shared/data/microsoft-fhir-server','/work/shared/data/synthea']) for (const f of readdirSync(dir)) {
  if (!f.endsWith('.json')) continue;
  let r: any; try { r = parseJson(readFileSync(`${dir}/${f}`), 64); } catch (e) { console.log(f, 'PARSE', String(e)); continue; }
  if (!r.resourceType) { console.log(f, 'no resourceType', Object.keys(r).slice(0,3)); continue;}
  const t = performance.now();
  const issues = v.validate(r);
  const ms = performance.now() - t;
  if (issues.length || ms > 60) { console.log(f, r.resourceType, ms.toFixed(1)); for (const i of issues.slice(0,6)) console.log('   ', i.severity, i.code, i.expression![0], i.diagnostics); }
}
