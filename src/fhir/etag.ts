/** The versions that a condition names by their ETags (R4 http.html#concurrency, RFC 9110 section 8.8.3). */

/** `W/"3", "4"` as 3 and 4; `*` as itself; undefined for what is neither. */
export function versionsNamed(text: string): string[] | '*' | undefined {
  if (text.trim() === '*') return '*';
  const versions: string[] = [];
  for (const tag of text.split(',')) {
    const version = ETAG.exec(tag.trim())?.[1];
    if (version === undefined) return undefined;
    versions.push(version);
  }
  return versions;
}

const ETAG = /^(?:W\/)?"([^"]{0,64})"$/;
