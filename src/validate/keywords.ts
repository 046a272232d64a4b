/**
 * The keywords of our ajv schemas. ajv compiles a type's schema into straight code over its elements; these lead from
 * there to the values. They stop counting at a bound, so that a large wrong resource costs no more than a small one.
 */
import type { Ajv } from 'ajv';
import type { DataValidateFunction, DataValidationCxt, FuncKeywordDefinition } from 'ajv/dist/types/index.js';
import { assert } from '../kit/assert.js';
import { limits } from '../kit/limits.js';
import { rawNumber } from '../kit/json.js';
import type { CodeSet } from './bindings.js';
import { isBound } from './bound.js';
import { formats } from './formats.js';
import { checkMembers, type Shape } from './object.js';
import { isObject } from '../kit/json.js';
import { none, report, type Report, type Test } from './report.js';
import type { Members } from '../fhir/members.js';
import type { Problem } from './problems.js';
import type { Binding, ValueSchema } from './schema.js';

export interface KeywordParts {
  run: Run;
  members(type: string): Members;
  /** The schema of one type of a choice, by its JSON name. */
  choice(type: string, name: string): ValueSchema;
  /** The compiled schema of a type, compiled when first asked for. */
  check(type: string): DataValidateFunction;
  codeSet(binding: Binding): CodeSet | undefined;
  isConcrete(type: unknown): type is string;
}

/** The state of one validation. */
export interface Run {
  /** Go on after the first problem? */
  all: boolean;
  found: number;
  /** Required bindings that were met and cannot be checked, by the path of their element. */
  unchecked: Map<string, { at: string; valueSet: string }>;
}

export function addKeywords(ajv: Ajv, parts: KeywordParts): void {
  const { run } = parts;

  /** Counts what a check below has found once, however deep it was found. */
  const below = (check: DataValidateFunction, value: unknown, at: DataValidationCxt): Report[] => {
    if (run.found >= limits.issues) return none;
    const before = run.found;
    if (check(value, at) === true) return none;
    const reports = check.errors ?? none;
    run.found = before + reports.length;
    return reports;
  };

  const complex = (type: string): Test => {
    let check: DataValidateFunction | undefined;
    return (value, at) => {
      if (!isObject(value)) return [report(at.instancePath, notObject(value))];
      check ??= parts.check(type);
      return below(check, value, at);
    };
  };

  const keywords: Record<string, (schema: never) => Test> = {
    members: (type: string) => {
      const tests = new Map<string, Test>();
      const shape: Shape = {
        type,
        members: parts.members(type),
        beside: complex('Element'),
        choice(name) {
          const test = tests.get(name) ?? valueTest(parts.choice(type, name));
          tests.set(name, test);
          return test;
        },
      };
      return (value, at) => checkMembers(value, shape, at, run.all);
    },

    complex,

    resource: () => {
      const checks = new Map<string, Test>();
      return (value, at) => {
        if (!isObject(value)) return [report(at.instancePath, notObject(value))];
        const type = value.resourceType;
        if (!parts.isConcrete(type)) return [report(at.instancePath, { kind: 'resource-type', value: type })];
        const check = checks.get(type) ?? complex(type);
        checks.set(type, check);
        return check(value, at);
      };
    },

    primitive: (type: string) => (value, at) => {
      const format = formats[type];
      const digits = typeof value === 'number' ? rawNumber(at.parentData, at.parentDataProperty) : undefined;
      if (!format || format.test(value, digits)) return none;
      if (value === null) return [report(at.instancePath, { kind: 'null', list: false })];
      const { expects } = format;
      return [
        report(at.instancePath, { kind: 'format', type, expects, value, ...(digits === undefined ? {} : { digits }) }),
      ];
    },

    binding: (binding: Binding) => {
      const set = parts.codeSet(binding);
      return (value, at) => {
        if (!set) {
          if (!run.unchecked.has(binding.path)) {
            run.unchecked.set(binding.path, { at: at.instancePath, valueSet: binding.valueSet });
          }
          return none;
        }
        if (isBound(value, set)) return none;
        return [report(at.instancePath, { kind: 'code', valueSet: binding.valueSet, set, value })];
      };
    },

    each: (item: ValueSchema) => {
      const test = valueTest(item);
      return (list, at) => {
        if (!Array.isArray(list)) return [report(at.instancePath, { kind: 'type', expected: 'array', value: list })];
        if (list.length === 0) return [report(at.instancePath, { kind: 'empty', what: 'array' })];
        const before = run.found;
        let reports = none;
        for (let index = 0; index < list.length; index += 1) {
          const value: unknown = list[index];
          const inside: DataValidationCxt<number> = {
            instancePath: `${at.instancePath}/${String(index)}`,
            parentData: list,
            parentDataProperty: index,
            rootData: at.rootData,
            dynamicAnchors: at.dynamicAnchors,
          };
          const held = value === null && item.primitive !== undefined;
          if (held && hasBeside(at, index)) continue;
          const found = held ? [report(inside.instancePath, { kind: 'null', list: true })] : test(value, inside);
          if (found.length === 0) continue;
          reports = [...reports, ...found];
          run.found = before + reports.length;
          if (!run.all || run.found >= limits.issues) break;
        }
        return reports;
      };
    },
  };

  /** What a single value must be: the keywords of its schema, one after the other. */
  const valueTest = (schema: ValueSchema): Test => {
    const [first, ...others] = Object.entries(schema).map(([keyword, value]) => keywords[keyword]?.(value as never));
    assert(first, 'Every element has a type.');
    const [second] = others;
    if (!second) return first;
    return (value, at) => {
      const found = first(value, at);
      if (found.length === 0) return second(value, at);
      return run.all ? [...found, ...second(value, at)] : found;
    };
  };

  /** A null in a list of primitives keeps the place of a value that has only an id or extensions (R4 json.html). */
  const hasBeside = (at: DataValidationCxt, index: number): boolean => {
    const partners = (at.parentData as Record<string, unknown>)[`_${String(at.parentDataProperty)}`];
    return Array.isArray(partners) && isObject(partners[index]);
  };

  for (const [keyword, compile] of Object.entries(keywords)) ajv.addKeyword(definitionOf(keyword, compile));
}

function definitionOf(keyword: string, compile: (schema: never) => Test): FuncKeywordDefinition {
  return {
    keyword,
    errors: 'full',
    compile: (schema: unknown) => {
      const test = compile(schema as never);
      const check: DataValidateFunction = (value: unknown, at) => {
        const reports = at ? test(value, at) : none;
        if (reports.length === 0) return true;
        check.errors = reports;
        return false;
      };
      return check;
    },
  };
}

const notObject = (value: unknown): Problem =>
  value === null ? { kind: 'null', list: false } : { kind: 'type', expected: 'object', value };
