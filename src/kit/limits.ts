/** Every bound of the server in one place, so that nothing a client sends can grow without end. */

const KB = 1024;
const MB = 1024 * KB;
const GB = 1024 * MB;

export const limits = {
  /** Bytes of one resource as JSON. MongoDB holds 16 MB a document, and the text stands there beside its fields. */
  resourceBytes: 5 * MB,
  /** Bytes of one Bundle as JSON. */
  bundleBytes: 64 * MB,
  /** Entries of one batch or transaction. */
  bundleEntries: 5000,
  /** Bytes of one entry, not counting its longest string, which may be the data of a Binary. */
  entryBytes: 5 * MB + 64 * KB,
  /** Properties of a Bundle beside its entries, and the bytes that they have in all. */
  bundleProperties: 64,
  bundlePropertyBytes: 1 * MB,
  /** Milliseconds of long work before everybody else has a turn. */
  sliceMs: 5,
  /** Bytes beyond which a body is prepared on a thread of its own, how many wait for it, and how long it idles. */
  asideBytes: 256 * KB,
  asideWaiting: 32,
  asideIdleMs: 60_000,
  /** Bytes of one Binary, streamed to the blob store. */
  binaryBytes: 1 * GB,
  /** Bytes of a Binary that may travel as base64 inside JSON. */
  binaryInJsonBytes: 32 * MB,
  /** Bytes of a body that carries a Binary as JSON: base64 adds a third. */
  binaryJsonBodyBytes: 44 * MB,
  /** Bytes of the form that POST _search reads. */
  formBytes: 64 * KB,
  /** Bytes of a Binary that a Bundle carries inline; a larger one is marked SUBSETTED and read by its own URL. */
  binaryInBundleBytes: 256 * KB,
  /** Ranges of a Binary that one request may ask for. */
  ranges: 8,
  /** Milliseconds that a blob which nothing refers to is kept after it was put, for a second try of the same bytes. */
  orphanMs: 60 * 60 * 1000,
  /** Milliseconds that a put holds its blob at most, when the process that put it says no more. */
  blobHeldMs: 60 * 60 * 1000,
  /** Milliseconds between two rounds of the collector of blobs. */
  collectMs: 60 * 60 * 1000,
  /** Levels of objects and arrays in one JSON body. */
  depth: 64,
  /** Levels of elements in a narrative. */
  narrativeDepth: 100,
  /** Resources on one page. */
  pageSize: 1000,
  /** Resources on a page when the client does not say. */
  pageSizeDefault: 20,
  /** Resources that one page may include beside its matches. */
  includes: 1000,
  /** How often `:iterate` follows what was included. */
  includeDepth: 8,
  /** Bytes of a request's URL. */
  urlBytes: 16 * KB,
  /** Bytes of all of a request's headers. */
  headerBytes: 8 * KB,
  /** Parameters in one query, repeated ones counted each. */
  parameters: 200,
  /** Values of one parameter, separated by commas. */
  orValues: 1000,
  /** Search values that one query stands for: an id without a type counts once for each type it may mean. */
  alternatives: 10_000,
  /** Combinations of codes and values that one element gives a composite search parameter. */
  combinations: 1000,
  /** Steps of a chain or `_has`. */
  joinDepth: 5,
  /** Steps of all chains and `_has` of one query together. */
  joins: 20,
  /** Characters of one value of a search parameter. */
  valueCharacters: 8 * KB,
  /** Keys that one sort may name. */
  sortKeys: 5,
  /** Matches that a total counts before it stops counting. */
  total: 1_000_000,
  /** Issues that one OperationOutcome reports. */
  issues: 100,
  /** Resources on one side of a chain or `_has`. */
  joinTargets: 10_000,
  /** Milliseconds that one request may take. */
  requestMs: 30_000,
  /** Connections that stand at once; one more is closed as soon as it comes. */
  connections: 10_000,
  /** Reads of one resource that are worked on at once, and those that wait for their turn behind them. */
  readsUnderWay: 256,
  readsWaiting: 1024,
  /** Searches and histories, likewise. */
  searchesUnderWay: 64,
  searchesWaiting: 512,
  /** Writes, likewise. Their turn comes when their body is there. */
  writesUnderWay: 128,
  writesWaiting: 512,
  /** Binaries whose bytes are on their way in or out. */
  transfers: 256,
  /** Milliseconds that a request waits for its turn. */
  waitMs: 5000,
  /** Milliseconds of one turn of the event loop for beginning work; what else is ready waits for the next turn. */
  turnMs: 20,
  /** Milliseconds between two such turns for new connections alone, when many come: Node takes one in each turn. */
  connectMs: 10,
  /** Bytes of bodies that are held in memory, of all requests together. */
  bodyBytesHeld: 256 * MB,
  /** Bytes of answers that clients have not taken yet, of all requests together. */
  answerBytesHeld: 256 * MB,
  /** Milliseconds that a body or an answer may take before it loses its place to others, when there is no room. */
  graceMs: 2000,
  /** Milliseconds that the head of a request may take to arrive, and a body that is read as a whole. */
  headersMs: 15_000,
  bodyMs: 30_000,
  /**
   * Milliseconds that a connection may idle between two requests: longer than proxies keep theirs (60 s as a rule), who
   * would otherwise send into a line that is being closed. Idle ones make room when there are too many connections.
   */
  keepAliveMs: 65_000,
  /** What a transfer must move at least: so many bytes in so many milliseconds. A thin line does; a stalled one not. */
  paceBytes: 32 * KB,
  paceMs: 15_000,
  /** Milliseconds that a graceful stop waits for requests under way. */
  drainMs: 30_000,
  /** Values of `:contains` in one query: each is looked for in every value of its parameter. */
  containsValues: 20,
  /** Search values of one resource, and characters that they have in all: MongoDB holds 16 MB a document. */
  searchValues: 10_000,
  searchValueCharacters: 2 * MB,
  /** Versions that a backup, a move or a reindex holds in memory at once, and the bytes of their texts. */
  keepingVersions: 500,
  keepingBytes: 16 * MB,
  /** Resources whose search values a server makes anew between two turns of others. */
  reindexBatch: 50,
  /** Milliseconds that a start waits for them before it serves without searches. */
  reindexWaitMs: 3000,
  /** Resources that one conditional delete may delete. */
  conditionalDeletes: 1000,
  /** Milliseconds that the answer to a request with an `Idempotency-Key` is remembered, and characters of such a key. */
  idempotencyMs: 24 * 60 * 60 * 1000,
  idempotencyKeyCharacters: 255,
  /** Characters of the reason for an emergency, milliseconds between two looks for those that are over, and that their end may still be told after. */
  emergencyReasonCharacters: 1000,
  emergencyLookMs: 5000,
  emergencyToldMs: 7 * 24 * 60 * 60 * 1000,
  /** Milliseconds for which what patients deny a caller is not looked at again; Consents that this may depend on, and roles and teams of one person. */
  termsTrustMs: 750,
  consentsOfCaller: 10_000,
  /** Persons, roles, teams and organizations named by Consents of all, up to which it is looked at once for all callers whom they concern. */
  namedByConsents: 1000,
  /** Resources that refer to a patient and are looked through together when a Consent of theirs is written. */
  patientReferrers: 5000,
  rolesOfPerson: 500,
  /** Attempts of a write without `If-Match` that meets another writer. */
  writeAttempts: 30,
  /** Operations of one patch. */
  patchOperations: 1000,
  /** Characters of one FHIRPath expression of a patch, and how many of them open a bracket. */
  patchPathCharacters: 1024,
  patchPathBrackets: 20,
  /** Milliseconds that an authorization code waits, an access token lives, and one of a backend service. */
  codeMs: 60_000,
  accessMs: 60 * 60 * 1000,
  backendAccessMs: 5 * 60 * 1000,
  /** Milliseconds that a refresh token lives when it is not used: half a year. Each use begins anew. */
  refreshMs: 182 * 24 * 60 * 60 * 1000,
  /** Milliseconds that a session lives in all, and without a sign of its user. */
  sessionMs: 12 * 60 * 60 * 1000,
  sessionIdleMs: 60 * 60 * 1000,
  /** Milliseconds that a launch handle waits for its app, and that a sign-in may take. */
  launchMs: 5 * 60 * 1000,
  signInMs: 10 * 60 * 1000,
  /** Milliseconds for which what a token means is not looked at again, and how many tokens are known at once. */
  tokenTrustMs: 750,
  tokensKnown: 10_000,
  /** Milliseconds that a key signs, and that a client may keep the public ones. */
  keyMs: 90 * 24 * 60 * 60 * 1000,
  keysFreshMs: 60 * 60 * 1000,
  /** Wrong passwords under one name, and from one address, before nobody gets in for so many milliseconds. */
  wrongPasswords: 5,
  wrongPasswordsFromAddress: 50,
  lockoutMs: 15 * 60 * 1000,
  /** Rounds of scrypt: 32 MB and about 90 ms of a core, dear for who tries passwords out, bearable for who signs in. */
  passwordRounds: 2 ** 15,
  /** Accounts and clients that are listed, grants that a user is shown, redirect URIs of one client. */
  accounts: 10_000,
  clients: 10_000,
  grantsOfUser: 500,
  redirectUris: 20,
  /** Bytes of a form that OAuth's endpoints read, and characters of one parameter of it. */
  oauthFormBytes: 128 * KB,
  oauthCharacters: 16 * KB,
  scopeCharacters: 16 * KB,
  /** Scopes of one request or client that name resources. */
  scopes: 500,
  /** Parameters of such a form: our own has one for each scope. */
  oauthParameters: 2000,
  /** Milliseconds that a client's assertion may lie ahead, and that two clocks may differ. */
  assertionMs: 5 * 60 * 1000,
  skewMs: 10 * 1000,
  /** What a client's JWKS may have: bytes, keys; how long its server may take, and how long it is kept at most. */
  jwksBytes: 64 * KB,
  jwksKeys: 100,
  jwksMs: 5000,
  jwksKeptMs: 60 * 60 * 1000,
  /** Milliseconds between two looks for a key that was not there. */
  jwksAgainMs: 60 * 1000,
  /** Patients and encounters that a picker shows. */
  picked: 20,
  /** Elements and characters that one patch may copy, compare and walk through: about a second's work at most. */
  patchWork: 5_000_000,
  /** Characters, words and signs, and brackets in each other of one FHIRPath expression of a Questionnaire. */
  pathCharacters: 8 * KB,
  pathTokens: 800,
  pathDepth: 24,
  /** Elements that runs of it may touch, those of a collection in a union, and characters of a text that it may make. */
  pathWork: 100_000,
  pathUnion: 500,
  /** Elements that all expressions of a form may touch on one response. */
  pathWorkTogether: 100_000,
  /** Words and signs of a form's expressions that are read, in all and in one turn; those that fhirpath.js reads count fifty times. */
  formExpressionTokens: 100_000,
  formExpressionTokensNow: 10_000,
  /** Forms that are kept ready, and milliseconds that one found by its canonical is believed to be the newest. */
  formsReady: 64,
  formFreshMs: 1000,
  /** Resources of one canonical URL that are looked at for the newest. */
  sameCanonical: 50,
  /** Codes of a value set that are enumerated, those of all of a form, definitions that are looked up for them, and value sets that include each other. */
  valueSetCodes: 20_000,
  formCodes: 100_000,
  formLookups: 200,
  valueSetDepth: 4,
  /** Questions of one Questionnaire. */
  questions: 5000,
  pathTextCharacters: 64 * KB,
  /** Patients of one resource that the audit trail names; requests of one address in a minute that it tells of one by one
   * when they bring no valid token, and addresses that it keeps apart; records that one search of it looks at. */
  auditPatients: 10_000,
  auditStrangers: 10,
  auditAddresses: 10_000,
  auditLooked: 20_000,
  /** Resources that one referral opens to one organization, and those that it opens to its own as answers. */
  caseResources: 2000,
  /** Resources of other organizations that refer to one request or Task: each may be an answer to it. */
  caseReferrers: 10_000,
  /** Referrals that one write may change, beside those that it brings itself, and rows of openness that it may write. */
  referralsTouched: 500,
  openingsWritten: 20_000,
  /** Milliseconds between two looks whether a download of what another organization opened may go on. */
  openAgainMs: 400,
  /** Versions that are looked through for when a referral was completed; beyond, it counts as over. */
  statusVersions: 5000,
  /** Characters of a regular expression that others wrote, and steps (its size times the text's) of one run of it. */
  patternCharacters: 1000,
  /** Characters of it with its repetitions written out: the engine makes as many states. */
  patternSize: 5000,
  patternSteps: 500_000,
  /** Such characters of all regular expressions of one form. */
  formPatternCharacters: 40_000,
  /** Such steps of all answers of one response. */
  patternStepsTogether: 3_000_000,
} as const;

export type LimitName = keyof typeof limits;

/** As a part that is handed in: tests use smaller ones. */
export type Limits = Readonly<Record<LimitName, number>>;
