/** Entries beside those of search parameters, by which bytes find whose they are. No query can name them. */

/** What shows a Binary, by an Attachment's URL or by a reference, has one for each: `Binary/id`. */
export const SHOWS = ':shows';

/** A Binary has one for what its `securityContext` names: `Type/id`. */
export const SECURITY = ':security';
