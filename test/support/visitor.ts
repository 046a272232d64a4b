/** Somebody at a browser without scripts: keeps cookies, follows redirects within the server, fills in forms. */

export interface View {
  status: number;
  headers: Headers;
  text: string;
  /** Where the last redirect led, when that is not this server. */
  left: URL | undefined;
  /** The URL that is shown. */
  url: string;
}

export type Fields = Record<string, string | string[]>;

export class Visitor {
  readonly #issuer: string;
  readonly cookies = new Map<string, string>();

  constructor(issuer: string) {
    this.#issuer = issuer;
  }

  async open(url: string, body?: URLSearchParams, headers: Record<string, string> = {}): Promise<View> {
    const sent = body === undefined ? {} : { method: 'POST', body: body.toString() };
    const type: Record<string, string> =
      body === undefined ? {} : { 'Content-Type': 'application/x-www-form-urlencoded' };
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, {
      redirect: 'manual',
      ...sent,
      headers: { ...type, ...(cookie === '' ? {} : { Cookie: cookie }), ...headers },
    });
    for (const line of response.headers.getSetCookie()) {
      const [pair = ''] = line.split(';');
      this.cookies.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1));
    }
    const text = await response.text();
    const location = response.headers.get('location');
    if (location === null) return { status: response.status, headers: response.headers, text, left: undefined, url };
    const to = new URL(location, url);
    if (to.origin !== new URL(this.#issuer).origin) {
      return { status: response.status, headers: response.headers, text, left: to, url };
    }
    return this.open(to.href);
  }

  /** Sends the form of the page that leads to `action`, with what is given in place of what stands there. */
  submit(view: View, action: string, fields: Fields = {}, headers: Record<string, string> = {}): Promise<View> {
    const form = formOf(view.text, action);
    for (const [name, value] of Object.entries(fields)) {
      form.delete(name);
      for (const one of [value].flat()) form.append(name, one);
    }
    return this.open(new URL(action, view.url).href, form, headers);
  }

  async signIn(view: View, { username, password }: { username: string; password: string }): Promise<View> {
    return this.submit(view, 'sign-in', { username, password });
  }
}

/** What the browser would send: hidden fields and what is checked. */
export function formOf(text: string, action: string): URLSearchParams {
  const [, inside] = new RegExp(`<form[^>]*action="${action}"[^>]*>([\\s\\S]*?)</form>`).exec(text) ?? [];
  if (inside === undefined)
    throw new Error(`no form ${action} on the page: ${text.replace(/<[^>]*>/g, ' ').slice(0, 500)}`);
  const form = new URLSearchParams();
  for (const [, tag = ''] of inside.matchAll(/<input\b([^>]*)>/g)) {
    const [name, value, type] = [attribute(tag, 'name'), attribute(tag, 'value'), attribute(tag, 'type')];
    const takes = type === 'hidden' || ((type === 'checkbox' || type === 'radio') && /\bchecked\b/.test(tag));
    if (takes && name !== undefined) form.append(name, value ?? '');
  }
  return form;
}

const attribute = (tag: string, name: string): string | undefined =>
  new RegExp(`\\b${name}="([^"]*)"`)
    .exec(tag)?.[1]
    ?.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)));

export const choices = (view: View, name: string): string[] =>
  [...view.text.matchAll(/<input\b([^>]*)>/g)]
    .filter(([, tag = '']) => attribute(tag, 'name')?.startsWith(name))
    .map(([, tag = '']) => attribute(tag, 'value') ?? '');
