/** Our page as an app: another EHR opens it for its user, and it shows the case that it was opened on. */
import type { Request, Response } from 'express';
import type { Auth } from '../../auth/index.js';
import { OAuthFailure } from '../../auth/failure.js';
import { Form } from '../../auth/form.js';
import { launchedPage } from './pages.js';
import { queryOf } from './visit.js';
import { sendOn, sendPage, type Handler, type Wire } from './wire.js';

export function createLaunched({ guests, ground }: Auth, wire: Wire): { begin: Handler; finish: Handler } {
  async function begin(request: Request, response: Response): Promise<void> {
    const query = new Form(queryOf(request)).refuseOdd();
    const iss = query.get('iss');
    if (iss === undefined) throw new OAuthFailure('invalid_request', 'iss is missing: which EHR launches?');
    const { location, state } = await guests.begin(iss, query.get('launch'));
    request.session.launched = state;
    await sendOn(response, location);
  }

  async function finish(request: Request, response: Response): Promise<void> {
    const { launched: expected } = request.session;
    const query = new Form(queryOf(request)).refuseOdd();
    // Only what this browser asked for: nobody opens a case of theirs in the window of somebody else.
    if (expected === undefined || query.get('state') !== expected) {
      throw new OAuthFailure('access_denied', 'Nothing was asked in this browser that this would answer.');
    }
    delete request.session.launched;
    await sendPage(response, launchedPage(await guests.finish(new URL(request.originalUrl, ground.issuer), expected)));
  }

  return { begin: wire.forPeople(begin), finish: wire.forPeople(finish) };
}
