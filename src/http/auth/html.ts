/** HTML in which nothing that came from elsewhere can be more than text. */

export interface Html {
  html: string;
}

type Part = string | number | Html | readonly Html[] | undefined | false;

/** A tagged template: what is put in is escaped, unless it is HTML of ours. */
export const html = (texts: TemplateStringsArray, ...parts: Part[]): Html => ({
  html: texts.reduce((all, text, at) => `${all}${printed(parts[at - 1])}${text}`),
});

function printed(part: Part): string {
  if (part === undefined || part === false) return '';
  if (typeof part === 'string' || typeof part === 'number') return escaped(String(part));
  return 'html' in part ? part.html : part.map((one) => one.html).join('');
}

const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

export const page = (title: string, body: Html): string =>
  `<!doctype html>\n${
    html`<html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title} · Afferent</title>
        <link rel="stylesheet" href="style.css" />
      </head>
      <body>
        <main>
          <h1>${title}</h1>
          ${body}
        </main>
      </body>
    </html>`.html
  }\n`;
