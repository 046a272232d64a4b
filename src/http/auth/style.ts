/** The look of our pages, and what apps may take of it (`smart_style_url`). */
import { createHash } from 'node:crypto';

export const css = `:root { color-scheme: light dark; font: 100%/1.5 system-ui, sans-serif; --line: #767676; --main: #0b5c8a; }
@media (prefers-color-scheme: dark) { :root { --main: #7cc4ec; } }
body { margin: 0; }
main { max-width: 34rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; }
fieldset { border: 1px solid var(--line); border-radius: 0.4rem; margin: 1rem 0; padding: 0.5rem 1rem; }
legend { font-weight: 600; }
label { display: block; padding: 0.35rem 0; }
input[type='text'], input[type='password'] { display: block; width: 100%; box-sizing: border-box; font: inherit; padding: 0.5rem; }
input[type='checkbox'], input[type='radio'] { width: 1.1rem; height: 1.1rem; vertical-align: -0.15rem; }
button { font: inherit; padding: 0.5rem 1.2rem; margin: 0.5rem 0.5rem 0.5rem 0; border: 2px solid var(--main); border-radius: 0.4rem; background: none; color: inherit; cursor: pointer; }
button.main { background: #0b5c8a; color: #fff; }
:focus-visible { outline: 3px solid var(--main); outline-offset: 2px; }
.warning { border-left: 0.4rem solid #b35900; padding: 0.5rem 1rem; }
.error { border-left: 0.4rem solid #b00020; padding: 0.5rem 1rem; }
small, .small { font-size: 0.875rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: 0.4rem 0.6rem 0.4rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
`;

/** TABLE: the guide's names for it (scopes-and-launch-context.html#styling-parameters). */
export const smartStyle = JSON.stringify({
  color_background: '#ffffff',
  color_error: '#b00020',
  color_highlight: '#0b5c8a',
  color_modal_backdrop: '',
  color_success: '#1b6e3c',
  color_text: '#1a1a1a',
  dim_border_radius: '6px',
  dim_font_size: '16px',
  dim_spacing_size: '16px',
  font_family_body: 'system-ui, sans-serif',
  font_family_heading: 'system-ui, sans-serif',
});

/** Another content has another URL, as the guide asks: what a client keeps is never out of date. */
export const smartStylePath = `/auth/style/${createHash('sha256').update(smartStyle).digest('hex').slice(0, 16)}.json`;
