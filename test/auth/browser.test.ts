/**
 * A SMART app as most are: `fhirclient` in a page of its own, in a real browser. It is launched standalone and from an
 * EHR, the user signs in and allows, and the app reads the patient across origins.
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { describeBrowser, fhirClientBundle, openBrowser } from '../support/browser.js';
import { backend, patientOf, post, runSmart, userOf } from '../support/smart.js';

const SCOPE = 'openid fhirUser launch launch/patient offline_access patient/*.rs';

/** The app's two pages and its script; what it has read stands in the element `#found`. */
const pages = (script: string, clientId: string): Record<string, [type: string, text: string]> => ({
  '/fhir-client.js': ['text/javascript', script],
  '/launch': [
    'text/html',
    `<!doctype html><title>launch</title><script src="/fhir-client.js"></script><script>
      FHIR.oauth2.authorize({ clientId: '${clientId}', scope: '${SCOPE}', redirectUri: '/' });
    </script>`,
  ],
  '/': [
    'text/html',
    `<!doctype html><title>app</title><script src="/fhir-client.js"></script><p id="found"></p><script>
      FHIR.oauth2.ready()
        .then(async (client) => {
          const patient = await client.patient.read();
          const user = await client.user.read();
          const refreshed = await client.refresh();
          const conditions = await client.request('Condition?patient=' + client.patient.id);
          const { tokenResponse } = refreshed;
          return { patient, user, conditions, scope: tokenResponse.scope, encounter: tokenResponse.encounter };
        })
        .catch((error) => ({ error: String(error) }))
        .then((found) => { document.getElementById('found').textContent = JSON.stringify(found); });
    </script>`,
  ],
});

describeBrowser('a SMART app', () => {
  const server = runSmart();
  let app: Server;
  let address: string;
  let browser: Browser;
  let context: BrowserContext;
  let clientId: string;

  beforeAll(async () => {
    const script = await fhirClientBundle();
    app = createServer((request, response) => {
      const [type, text] = pages(script, clientId)[new URL(request.url ?? '/', 'http://x').pathname] ?? [
        'text/plain',
        '',
      ];
      response.writeHead(text === '' ? 404 : 200, { 'Content-Type': type }).end(text);
    });
    app.listen(0, '127.0.0.1');
    await once(app, 'listening');
    address = `http://127.0.0.1:${(app.address() as AddressInfo).port}`;
    const { client } = await server.auth.clients.add({
      name: 'An app in a browser',
      organization: userOf(server, 'ada').organization,
      authentication: 'none',
      redirectUris: [`${address}/`],
      launchUrl: `${address}/launch`,
      scope: `${SCOPE} launch/encounter user/*.rs`,
      grantTypes: ['authorization_code', 'refresh_token'],
    });
    clientId = client.id;
    browser = await openBrowser();
  }, 120_000);
  afterAll(async () => {
    await browser.close();
    app.close();
  });
  beforeEach(async () => {
    // The sign-in and consent pages must work without scripts; the app's own page needs them, so they stay on.
    context = await browser.newContext();
  });
  afterEach(() => context.close());

  async function signIn(page: Page, username: string): Promise<void> {
    await page.getByLabel('User name').fill(username);
    await page.getByLabel('Password').fill(userOf(server, username).password);
    await page.getByRole('button', { name: 'Sign in' }).click();
  }

  async function found(page: Page): Promise<any> {
    await page.waitForFunction(() => (globalThis as any).document.getElementById('found')?.textContent !== '');
    return JSON.parse((await page.locator('#found').textContent()) ?? '{}');
  }

  test('S-AUTHZ-11 S-OIDC-04 is launched standalone, by a patient, and reads her record', async () => {
    const page = await context.newPage();
    await page.goto(`${address}/launch?iss=${encodeURIComponent(server.base)}`);
    await signIn(page, 'ada');
    // Her own record is the only one: there is nothing to pick where nothing else can be chosen.
    const pick = page.getByRole('radio');
    if ((await pick.count()) > 0) {
      await pick.first().check();
      await page.getByRole('button', { name: 'Go on' }).click();
    }
    expect(await page.locator('#offline').isVisible()).toBe(true);
    await page.getByRole('button', { name: 'Allow' }).click();
    const { conditions, error, patient, scope, user } = await found(page);
    expect(error).toBeUndefined();
    expect(patient).toMatchObject({ id: patientOf(server, 'ada'), name: [{ family: 'Müller' }] });
    expect(user.id).toBe(patientOf(server, 'ada'));
    expect(conditions).toMatchObject({ resourceType: 'Bundle', type: 'searchset' });
    expect(scope.split(' ')).toEqual(expect.arrayContaining(['patient/*.rs', 'offline_access']));
  }, 60_000);

  test('S-AUTHZ-09 S-AUTHZ-10 is launched from an EHR, with the patient and encounter that were open there', async () => {
    const { body: token } = await backend(server, {}, { scope: 'system/*.cruds' });
    const { form } = server.demo.launch;
    const launched = await post(
      server,
      'launch',
      { ...form, app: clientId },
      { Authorization: `Bearer ${token.access_token}` },
    );
    expect(launched.status).toBeLessThan(300);
    const url: string = launched.body.launch_url ?? launched.body.url;
    expect(new URL(url).searchParams.get('iss')).toBe(server.base);
    const page = await context.newPage();
    await page.goto(url);
    await signIn(page, form.user!);
    await page.getByRole('button', { name: 'Allow' }).click();
    const { encounter, error, patient } = await found(page);
    expect(error).toBeUndefined();
    expect(patient.id).toBe(form.patient);
    expect(encounter).toBe(form.encounter);
  }, 60_000);

  test('S-AUTHZ-13 S-AUTHZ-20 the pages work without scripts and by keyboard, and who denies goes back to the app', async () => {
    const plain = await browser.newContext({ javaScriptEnabled: false });
    try {
      const page = await plain.newPage();
      const ask = new URLSearchParams({
        response_type: 'code',
        client_id: clientId,
        redirect_uri: `${address}/`,
        scope: 'launch/patient patient/*.rs',
        state: 's',
        aud: server.base,
        code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
        code_challenge_method: 'S256',
      });
      await page.goto(`${server.issuer}/auth/authorize?${ask.toString()}`);
      // The user name has the focus; Enter sends the form.
      await page.locator('input[name=username]:focus').waitFor();
      await page.keyboard.type('ada');
      await page.keyboard.press('Tab');
      await page.locator('input[name=password]:focus').waitFor();
      await page.keyboard.type(userOf(server, 'ada').password);
      await page.keyboard.press('Enter');
      await page.getByRole('button', { name: 'Deny' }).focus();
      await page.keyboard.press('Enter');
      await page.waitForURL(/error=access_denied/);
      expect(new URL(page.url()).searchParams.get('state')).toBe('s');
    } finally {
      await plain.close();
    }
  }, 60_000);
});
