/**
 * Narratives by the XHTML rules of R4 (narrative.html, txt-1 and txt-2): few elements, few attributes, nothing that runs
 * and nothing that is fetched to style it. What passes here is shown to people as it is.
 */
import { SaxesParser, type SaxesAttributeNS } from 'saxes';
import { limits } from '../../kit/limits.js';
import type { Rule } from './rules.js';

/** TABLE: elements, and attributes on any of them: R4's own list, in the XPath of txt-1. */
const elements = new Set(
  (
    'a abbr acronym address b bdo big blockquote br caption cite code col colgroup dd dfn div dl dt em h1 h2 h3 h4 h5 h6 ' +
    'hr i img kbd li ol p pre q samp small span strong sub sup table tbody td tfoot th thead tr tt ul var'
  ).split(' '),
);
const attributes = new Set(
  (
    'abbr accesskey align alt axis bgcolor border cellhalign cellpadding cellspacing cellvalign char charoff charset cite ' +
    'class colspan compact coords dir frame headers height href hreflang hspace id lang longdesc name nowrap rel rev rowspan ' +
    'rules scope shape span src start style summary tabindex title type valign value vspace width xml:lang xml:space xmlns'
  ).split(' '),
);

const XHTML = 'http://www.w3.org/1999/xhtml';

/** What a narrative may link to: pages, parts of itself, and images that come with it. */
const links = /^(?:https?:|mailto:|tel:|ftp:|urn:|#|data:image\/(?:png|jpeg|gif|webp|bmp|tiff)[;,]|[^:]*$|[^:]*[/?#])/i;

/** Names of HTML that XML does not have; R4's own examples and many writers use them (narrative.html). */
const entities = { nbsp: '\u00a0', copy: '\u00a9', reg: '\u00ae', deg: '\u00b0', micro: '\u00b5', plusmn: '\u00b1' };

/** Styles that run something, or hide that they do; and those that fetch something. HL7's own name files beside them. */
const activeStyle = /expression\(|javascript:|@import|behaviou?r:|-moz-binding|\\/i;
const remoteStyle = /url\(['"]?(?:\/\/|(?!data:image\/)[a-z][a-z0-9+.-]*:)/i;

interface Found {
  wrong?: string;
  remote?: string;
  bare?: string;
  filled: boolean;
}

const read = new WeakMap<object, Found>();

export const narrativeRules: readonly Rule[] = [
  { key: 'txt-1', severity: 'error', wrong: (node) => foundIn(node).wrong },
  {
    key: 'txt-2',
    severity: 'error',
    wrong: (node) => {
      const { filled, wrong } = foundIn(node);
      return filled || wrong !== undefined ? undefined : 'This narrative is blank: it needs words or an image (txt-2).';
    },
  },
  // Many who write JSON leave it out, and nobody takes it for anything but XHTML.
  { key: 'txt-xmlns', severity: 'warning', wrong: (node) => foundIn(node).bare },
  { key: 'txt-img', severity: 'warning', wrong: (node) => foundIn(node).remote },
];

function foundIn(node: { value: unknown }): Found {
  const known = read.get(node);
  if (known !== undefined) return known;
  const found = inspect(typeof node.value === 'string' ? node.value : '');
  read.set(node, found);
  return found;
}

/** Ends with the first thing that is wrong; linear in the text. */
function inspect(div: string): Found {
  const found: Found = { filled: false };
  const refuse = (say: string): never => {
    throw new Refused(`${say} (txt-1).`);
  };
  const parser = new SaxesParser({ xmlns: true, position: false, fragment: false });
  Object.assign(parser.ENTITIES, entities);
  let depth = 0;
  let roots = 0;
  parser.on('error', (error) => refuse(`This is not XML: ${error.message.slice(0, 200)}`));
  parser.on('doctype', () => refuse('A document type stands here; a narrative is a <div> and no document'));
  parser.on('processinginstruction', () => refuse('A processing instruction stands here; a narrative has none'));
  parser.on('opentag', ({ name, local, uri, attributes: own }) => {
    if (depth === 0) roots += 1;
    depth += 1;
    if (depth > limits.narrativeDepth) refuse(`A narrative has at most ${limits.narrativeDepth} levels`);
    if (roots === 1 && depth === 1 && name !== 'div') refuse('A narrative is one <div>');
    if (uri === '') found.bare = `This <div> is in no namespace, which XML needs; write <div xmlns="${XHTML}">.`;
    else if (uri !== XHTML) refuse(`<${brief(name)}> is not in the namespace ${XHTML}; write <div xmlns="${XHTML}">`);
    if (!elements.has(local)) refuse(`<${brief(name)}> may not stand in a narrative`);
    if (local === 'img' && own.src !== undefined) found.filled = true;
    for (const attribute of Object.values(own)) checkAttribute(name, attribute, found, refuse);
  });
  parser.on('closetag', () => (depth -= 1));
  parser.on('text', (text) => (found.filled ||= /\S/.test(text.replaceAll('\u00a0', ' '))));
  parser.on('cdata', (text) => (found.filled ||= /\S/.test(text)));
  try {
    parser.write(div).close();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { ...found, wrong: error.message };
  }
  return found;
}

class Refused extends Error {}

const brief = (name: string): string => name.slice(0, 40);

function checkAttribute(
  element: string,
  { name, value }: SaxesAttributeNS,
  found: Found,
  refuse: (say: string) => never,
): void {
  if (/^on/i.test(name)) refuse(`<${brief(element)}> has the attribute ${brief(name)}: a narrative runs nothing`);
  if (!attributes.has(name))
    refuse(`<${brief(element)}> has the attribute ${brief(name)}, which may not stand in a narrative`);
  const plain = value.replace(/[\s\u0000-\u0020]/g, '');
  if (name === 'style' && (activeStyle.test(plain) || remoteStyle.test(plain))) {
    refuse('A style refers to something outside of the narrative, or hides what it says');
  }
  if (!['href', 'src', 'cite', 'longdesc'].includes(name)) return;
  if (!links.test(plain)) refuse(`${name} may not lead to "${brief(plain)}"`);
  if (name === 'src' && /^(?:https?:|\/\/)/i.test(plain)) {
    found.remote = `The image ${plain.slice(0, 100)} is fetched from elsewhere whenever this is shown, which tells who reads it.`;
  }
}
