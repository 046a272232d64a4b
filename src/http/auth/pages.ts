/** The pages: sign-in, whose record, what to allow, what was allowed. Plain HTML: they need no script, and work by keyboard. */
import { printScope, type ResourceScope, type Scopes } from '../../access/scopes.js';
import type { GrantRecord } from '../../auth/grants.js';
import type { Guest } from '../../auth/guest.js';
import type { Page } from '../../auth/interaction.js';
import { categories } from '../../auth/offer.js';
import { html, page, type Html } from './html.js';

/** What each form carries to show that it is ours, and what it is about. */
export interface Carried {
  csrf: string;
  transaction: string;
}

type Of<Ask extends Page['ask']> = Extract<Page, { ask: Ask }>;

const hidden = ({ csrf, transaction }: Carried): Html => html`
  <input type="hidden" name="csrf" value="${csrf}" />
  <input type="hidden" name="transaction" value="${transaction}" />
`;

/** TABLE: why a sign-in failed; none tells whether there is such a user. */
export const refusals = {
  wrong: 'User name or password is wrong.',
  locked: 'Too many wrong passwords. Nobody can sign in this way now; try again in a quarter of an hour.',
  busy: 'Too many people sign in at this moment. Try again.',
  upstream: 'The other server did not say who you are, or you have no account here.',
} as const;

export function signInPage(
  for_: string | undefined,
  carried: Carried,
  { refusal, upstream, wrongUser }: { refusal?: keyof typeof refusals; upstream?: string; wrongUser?: boolean },
): string {
  return page(
    'Sign in',
    html`${refusal !== undefined && html`<p class="error" role="alert">${refusals[refusal]}</p>`}
      ${wrongUser === true && html`<p class="warning" role="alert">This was opened for another user. Sign in as that user.</p>`}
      ${for_ !== undefined && html`<p>to go on to <strong>${for_}</strong></p>`}
      <form method="post" action="sign-in">
        ${hidden(carried)}
        <label>User name <input type="text" name="username" autocomplete="username" required autofocus /></label>
        <label>Password <input type="password" name="password" autocomplete="current-password" required /></label>
        <button class="main">Sign in</button>
      </form>
      ${
        upstream !== undefined &&
        html`<form method="post" action="upstream">${hidden(carried)}<button>Sign in at ${upstream}</button></form>`
      }`,
  );
}

export function patientPage({ client, patients }: Of<'patient'>, carried: Carried, name: string): string {
  return page(
    'Whose record?',
    html`<p><strong>${client.name}</strong> works on the record of one patient.</p>
      <form method="get" action="continue" role="search">
        <input type="hidden" name="transaction" value="${carried.transaction}" />
        <label>Name <input type="text" name="name" value="${name}" maxlength="100" /></label>
        <button>Search</button>
      </form>
      <form method="post" action="pick">
        ${hidden(carried)}
        <fieldset>
          <legend>Patients</legend>
          ${patients.map(
            ({ id, text }) => html`<label><input type="radio" name="patient" value="${id}" required /> ${text}</label>`,
          )}
          ${patients.length === 0 && html`<p role="status">There is nobody of that name whom you may see.</p>`}
        </fieldset>
        ${patients.length > 0 && html`<button class="main">Go on</button>`}
      </form>
      ${denyForm(carried)}`,
  );
}

export function encounterPage({ client, encounters }: Of<'encounter'>, carried: Carried): string {
  return page(
    'Which encounter?',
    html`<p><strong>${client.name}</strong> asks for an encounter of this patient.</p>
      <form method="post" action="pick">
        ${hidden(carried)}
        <fieldset>
          <legend>Encounters</legend>
          ${encounters.map(
            ({ id, text }) =>
              html`<label><input type="radio" name="encounter" value="${id}" required /> ${text}</label>`,
          )}
          <label><input type="radio" name="encounter" value="none" /> None of these</label>
        </fieldset>
        <button class="main">Go on</button>
      </form>
      ${denyForm(carried)}`,
  );
}

const denyForm = (carried: Carried): Html =>
  html`<form method="post" action="decide">
    ${hidden(carried)}<button name="decision" value="deny">Cancel</button>
  </form>`;

export function consentPage({ account, client, launched, patient, scopes }: Of<'consent'>, carried: Carried): string {
  const offline = scopes.others.includes('offline_access');
  return page(
    'Allow access?',
    html`<p><strong>${client.name}</strong> asks for access in your name, ${account.name}.</p>
      ${patient !== undefined && html`<p>Patient: <strong>${patient.text}</strong>${launched && ' (as it was launched)'}</p>`}
      <form method="post" action="decide">
        ${hidden(carried)}
        <fieldset>
          <legend>It may</legend>
          ${scopeChoices(scopes)}
        </fieldset>
        ${
          offline &&
          html`<p class="warning" id="offline">
            With “offline access” it keeps its access when you have signed out, until you take it away (see “What I
            allowed”, at <a href="grants">grants</a>).
          </p>`
        }
        <button class="main" name="decision" value="allow">Allow</button>
        <button name="decision" value="deny">Deny</button>
      </form>`,
  );
}

/** Each scope has a box of its own, under a number: `scope.0`, `scope.1`. */
function scopeChoices({ others, resources }: Scopes): Html[] {
  const all = [
    ...others.map((scope) => ({ scope, text: words[scope] ?? scope, narrower: [] as string[] })),
    ...resources.map((scope) => ({ scope: printScope(scope), text: said(scope), narrower: narrowerOf(scope) })),
  ];
  return all.map(
    ({ narrower, scope, text }, at) => html`
      <label>
        <input type="checkbox" name="scope.${at}" value="${scope}" checked /> ${text}
        <small>(<code>${scope}</code>)</small>
      </label>
      ${
        narrower.length > 0 &&
        html`<details>
          <summary class="small">only some categories</summary>
          ${narrower.map(
            (one, index) =>
              html`<label class="small"
                ><input type="checkbox" name="only.${at}.${index}" value="${one}" />
                ${one.slice(one.lastIndexOf('|') + 1)}</label
              >`,
          )}
        </details>`
      }
    `,
  );
}

/** What all of a type can be narrowed to. */
function narrowerOf(scope: ResourceScope): string[] {
  const known = categories[scope.type];
  if (known === undefined || scope.query !== '') return [];
  return known.codes.map((code) => printScope({ ...scope, version: 2, query: `category=${known.system}|${code}` }));
}

/** TABLE: what a scope means to who is asked. */
const words: Record<string, string> = {
  openid: 'know that it is you',
  fhirUser: 'know who you are here',
  launch: 'know from where it was opened',
  'launch/patient': 'know which patient you have chosen',
  'launch/encounter': 'know which encounter you have chosen',
  offline_access: 'keep its access when you have signed out (offline access)',
  online_access: 'keep its access while you are signed in',
};

const deeds: Record<string, string> = { c: 'add', r: 'read', u: 'change', d: 'delete', s: 'search' };

function said({ context, letters, query, type }: ResourceScope): string {
  const what = type === '*' ? 'everything' : type;
  const whose = context === 'patient' ? 'in the record of this patient' : 'that you may see yourself';
  const some = query === '' ? '' : `, where ${query}`;
  return `${letters.replace(/./g, (letter) => `, ${deeds[letter]}`).slice(2)} ${what} ${whose}${some}`;
}

export function grantsPage(grants: readonly GrantRecord[], csrf: string, name: string): string {
  const rows = grants.map(
    ({ access, at, clientName, context, id, scope }) =>
      html`<tr>
        <td>
          <strong>${clientName}</strong><br /><small
            >since
            ${new Date(at).toISOString().slice(0, 10)}${access === 'offline' && ', also when you are signed out'}</small
          >
        </td>
        <td><small>${scope}${context.patient !== undefined && ` · Patient/${context.patient}`}</small></td>
        <td>
          <form method="post" action="grants">
            <input type="hidden" name="csrf" value="${csrf}" />
            <input type="hidden" name="grant" value="${id}" />
            <button aria-label="Take away access of ${clientName}">Take away</button>
          </form>
        </td>
      </tr>`,
  );
  return page(
    'What I allowed',
    html`<p>Signed in as ${name}.</p>
      ${
        grants.length === 0
          ? html`<p role="status">No app has access in your name.</p>`
          : html`<table>
              <thead>
                <tr>
                  <th scope="col">App</th>
                  <th scope="col">May</th>
                  <th scope="col"></th>
                </tr>
              </thead>
              <tbody>
                ${rows}
              </tbody>
            </table>`
      }
      <form method="post" action="sign-out">
        <input type="hidden" name="csrf" value="${csrf}" /><button>Sign out</button>
      </form>`,
  );
}

/** What is shown of a case that another EHR opened here. */
export const launchedPage = ({ iss, patient, references, user }: Guest): string =>
  page(
    patient ?? 'No patient',
    html`<p>Opened from <strong>${iss}</strong>${user !== undefined && html` by ${user}`}.</p>
      ${
        references.length > 0 &&
        html`<h2>The case</h2>
          <ul>
            ${references.map((reference) => html`<li>${reference}</li>`)}
          </ul>`
      }`,
  );

export const errorPage = (description: string): string =>
  page(
    'This cannot go on',
    html`<p class="error" role="alert">${description}</p>
      <p>Nothing was allowed, and nothing was sent to any app. Go back to where you came from and begin again.</p>`,
  );

export const signedOutPage = (): string => page('Signed out', html`<p role="status">You are signed out here.</p>`);
