/**
 * The links of a narrative: the values of the attributes `href` and `src`, and nothing else that looks like one, be it
 * text, a comment or another attribute (R4 http.html#trules, narrative.html). Everything else stays to the letter.
 */

/** The XHTML with other links where `change` gives one; linear in its length. */
export function changeLinks(div: string, change: (url: string) => string | undefined): string {
  if (!div.includes('href') && !div.includes('src')) return div;
  let out = '';
  let kept = 0;
  for (let at = div.indexOf('<'); at !== -1; at = div.indexOf('<', at)) {
    const opaque = OPAQUE.find(([begin]) => div.startsWith(begin, at));
    if (opaque !== undefined) {
      const end = div.indexOf(opaque[1], at + opaque[0].length);
      if (end === -1) break;
      at = end;
      continue;
    }
    at += 1;
    for (let found = attribute(div, at); found !== undefined; found = attribute(div, at)) {
      const { name, start, end } = found;
      at = end + 1;
      if (name !== 'href' && name !== 'src') continue;
      const changed = change(decoded(div.slice(start, end)));
      if (changed === undefined) continue;
      out += div.slice(kept, start) + encoded(changed);
      kept = end;
    }
  }
  return kept === 0 ? div : out + div.slice(kept);
}

/** What a `<` may open that holds no attributes. */
const OPAQUE = [
  ['<!--', '-->'],
  ['<![CDATA[', ']]>'],
  ['<?', '?>'],
] as const;

/** The next attribute of a tag that has a value, and where that stands between its quotes; undefined at the tag's end. */
function attribute(div: string, from: number): { name: string; start: number; end: number } | undefined {
  let equals = from;
  while (equals < div.length && !STOPS.has(div.charCodeAt(equals))) equals += 1;
  if (div[equals] !== '=') return undefined;
  let start = equals + 1;
  while (SPACES.has(div.charCodeAt(start))) start += 1;
  const quote = div.charAt(start);
  const end = quote === '"' || quote === "'" ? div.indexOf(quote, start + 1) : -1;
  if (end === -1) return undefined;
  const name = div.slice(from, equals).trim();
  return {
    name:
      name
        .slice(Math.max(name.length - LONGEST, 0))
        .split(/\s/)
        .at(-1) ?? '',
    start: start + 1,
    end,
  };
}

/** `<`, `>`, `"`, `'` and `=`; and what XML calls white space. */
const STOPS: ReadonlySet<number> = new Set([0x3c, 0x3e, 0x22, 0x27, 0x3d]);
const SPACES: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d]);

/** More characters than the names that are looked for have. */
const LONGEST = 10;

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

const decoded = (text: string): string => (text.includes('&') ? text.replace(ENTITY, meant) : text);

const ENTITY = /&(?:#x([0-9a-fA-F]{1,6})|#(\d{1,7})|(amp|lt|gt|quot|apos));/g;

function meant(entity: string, hex?: string, decimal?: string, name?: string): string {
  if (name !== undefined) return NAMED[name] ?? entity;
  const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
  return code <= 0x10ffff ? String.fromCodePoint(code) : entity;
}

/** Whichever quotes stand around it. */
const encoded = (text: string): string => text.replace(/[&<>"']/g, (character) => WRITTEN[character] ?? character);

const WRITTEN: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
