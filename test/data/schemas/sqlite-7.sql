-- Schema 7 of SQLite with a few versions and records, as the release before trails were brought along wrote them.
CREATE TABLE audit_link (
    num INTEGER PRIMARY KEY,
    chain TEXT NOT NULL,
    first INTEGER NOT NULL,
    at INTEGER NOT NULL,
    text TEXT NOT NULL,
    keys TEXT NOT NULL,
    before TEXT NOT NULL,
    hash TEXT NOT NULL
  );
INSERT INTO "audit_link" VALUES(1,'1dba7abe784977e8',0,1795737600000,'{"said":"0.0"}
{"said":"0.1"}','[["o:home","p:0"],["o:home","p:0"]]','','f815812728682622f5ced10ca25d9fc40bfa2583792019899f854a0e77271ebd');
INSERT INTO "audit_link" VALUES(2,'1dba7abe784977e8',2,1795737600000,'{"said":"1.0"}
{"said":"1.1"}','[["o:home","p:1"],["o:home","p:1"]]','f815812728682622f5ced10ca25d9fc40bfa2583792019899f854a0e77271ebd','7a3c02e202aa55c24f27e01ea845aaf25131d1256dc9150ec83eada048ecc0dc');
INSERT INTO "audit_link" VALUES(3,'1dba7abe784977e8',4,1795737600000,'{"said":"2.0"}
{"said":"2.1"}','[["o:home","p:2"],["o:home","p:2"]]','7a3c02e202aa55c24f27e01ea845aaf25131d1256dc9150ec83eada048ecc0dc','9ce0b71dccef6b768d1387d6eeda65f158fe420c67830f87ab7dc327f6339095');
INSERT INTO "audit_link" VALUES(4,'1dba7abe784977e8',6,1795737600000,'{"said":"last"}','[["o:home"]]','9ce0b71dccef6b768d1387d6eeda65f158fe420c67830f87ab7dc327f6339095','1d2872e905c27442faa5fe1879c1537dfb2d9f2b5ba739202c4d9b004b1e13e3');
CREATE TABLE audit_place (
    key TEXT NOT NULL,
    link INTEGER NOT NULL,
    places TEXT NOT NULL,
    PRIMARY KEY (key, link)
  ) WITHOUT ROWID;
INSERT INTO "audit_place" VALUES('o:home',1,'[1,0,1,1]');
INSERT INTO "audit_place" VALUES('o:home',2,'[2,0,2,1]');
INSERT INTO "audit_place" VALUES('o:home',3,'[3,0,3,1]');
INSERT INTO "audit_place" VALUES('p:0',1,'[1,0,1,1]');
INSERT INTO "audit_place" VALUES('p:1',2,'[2,0,2,1]');
INSERT INTO "audit_place" VALUES('p:2',3,'[3,0,3,1]');
CREATE TABLE note (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
  ) WITHOUT ROWID;
INSERT INTO "note" VALUES('audit','{"chain":"1dba7abe784977e8","count":7,"hash":"1d2872e905c27442faa5fe1879c1537dfb2d9f2b5ba739202c4d9b004b1e13e3","at":1795737600000}');
INSERT INTO "note" VALUES('audit keys','3');
CREATE TABLE opener (
    num INTEGER PRIMARY KEY,
    org TEXT NOT NULL,
    type TEXT NOT NULL,
    owner TEXT NOT NULL,
    UNIQUE (org, type, owner)
  );
CREATE TABLE opening (
    num INTEGER NOT NULL,
    org TEXT NOT NULL,
    via TEXT NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER NOT NULL,
    type TEXT NOT NULL,
    owner TEXT NOT NULL,
    PRIMARY KEY (num, org, via, since)
  ) WITHOUT ROWID;
CREATE TABLE range_entry (
  scope INTEGER NOT NULL,
  value TEXT NOT NULL,
  low INTEGER NOT NULL,
  num INTEGER NOT NULL,
  high INTEGER NOT NULL,
  PRIMARY KEY (scope, value, low, num, high)
) WITHOUT ROWID;
INSERT INTO "range_entry" VALUES(2,'',327369600000,1,327455999999);
INSERT INTO "range_entry" VALUES(7,'',1767139200001,9,1770681599960);
INSERT INTO "range_entry" VALUES(7,'',1767225591000,10,1767225591999);
INSERT INTO "range_entry" VALUES(7,'',1767225595000,7,1767311994999);
INSERT INTO "range_entry" VALUES(7,'',1767225600000,6,1767225600999);
INSERT INTO "range_entry" VALUES(7,'',1767225601000,8,1767225601000);
INSERT INTO "range_entry" VALUES(7,'',1767225602000,10,1767225602999);
CREATE TABLE resource (
  num INTEGER PRIMARY KEY,
  type TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  owner TEXT NOT NULL,
  deleted INTEGER NOT NULL,
  keys TEXT NOT NULL,
  entries TEXT NOT NULL,
  UNIQUE (type, id)
);
INSERT INTO "resource" VALUES(1,'Patient','ada',2,2,1793491202000,'home',0,'{"name":["meier","meier"],"birthdate":[327369600000,327455999999]}','[["name","meier","Meier"],["birthdate","",327369600000,327455999999]]');
INSERT INTO "resource" VALUES(2,'Observation','one',1,3,1793491203000,'home',0,'{"status":["final","final"],"subject":["Patient/ada","Patient/ada"]}','[["status","final",""],["subject","Patient/ada",""]]');
INSERT INTO "resource" VALUES(3,'Patient','gone',2,5,1793491205000,'home',1,'{}','[]');
INSERT INTO "resource" VALUES(4,'Binary','photo',1,6,1793491206000,'home',0,'{}','[]');
INSERT INTO "resource" VALUES(5,'Patient','other',1,7,1793491207000,'org-2',0,'{"name":["eve","eve"]}','[["name","eve",""]]');
INSERT INTO "resource" VALUES(6,'Observation','a',1,8,1768225601000,'org-3',0,'{"date":[1767225600000,1767225600999]}','[["date","",1767225600000,1767225600999]]');
INSERT INTO "resource" VALUES(7,'Observation','b',1,9,1768225602000,'org-3',0,'{"date":[1767225595000,1767311994999]}','[["date","",1767225595000,1767311994999]]');
INSERT INTO "resource" VALUES(8,'Observation','c',1,10,1768225603000,'org-3',0,'{"date":[1767225601000,1767225601000]}','[["date","",1767225601000,1767225601000]]');
INSERT INTO "resource" VALUES(9,'Observation','d',1,11,1768225604000,'org-3',0,'{"date":[1767139200001,1770681599960]}','[["date","",1767139200001,1770681599960]]');
INSERT INTO "resource" VALUES(10,'Observation','e',1,12,1768225605000,'org-3',0,'{"date":[1767225591000,1767225602999]}','[["date","",1767225602000,1767225602999],["date","",1767225591000,1767225591999]]');
INSERT INTO "resource" VALUES(11,'Observation','none',1,13,1768225606000,'org-3',0,'{"status":["final","final"]}','[["status","final",""]]');
INSERT INTO "resource" VALUES(12,'Observation','gone',2,15,1768225608000,'org-3',1,'{}','[]');
CREATE TABLE scope (
  num INTEGER PRIMARY KEY,
  owner TEXT NOT NULL,
  type TEXT NOT NULL,
  param TEXT NOT NULL,
  kind TEXT NOT NULL,
  UNIQUE (owner, type, param, kind)
);
INSERT INTO "scope" VALUES(1,'home','Patient','name','text');
INSERT INTO "scope" VALUES(2,'home','Patient','birthdate','range');
INSERT INTO "scope" VALUES(3,'home','Observation','status','text');
INSERT INTO "scope" VALUES(4,'home','Observation','subject','text');
INSERT INTO "scope" VALUES(5,'home','Patient','active','text');
INSERT INTO "scope" VALUES(6,'org-2','Patient','name','text');
INSERT INTO "scope" VALUES(7,'org-3','Observation','date','range');
INSERT INTO "scope" VALUES(8,'org-3','Observation','status','text');
INSERT INTO "scope" VALUES(9,'home','Patient','birthdate','day');
INSERT INTO "scope" VALUES(10,'home','Patient','birthdate','none');
INSERT INTO "scope" VALUES(11,'org-3','Observation','date','day');
INSERT INTO "scope" VALUES(12,'org-3','Observation','date','first');
INSERT INTO "scope" VALUES(13,'org-3','Observation','date','instant');
INSERT INTO "scope" VALUES(14,'org-3','Observation','date','last');
INSERT INTO "scope" VALUES(15,'org-3','Observation','date','none');
INSERT INTO "scope" VALUES(16,'org-3','Observation','date','second');
CREATE TABLE sharing (
    via TEXT PRIMARY KEY,
    generation INTEGER NOT NULL
  ) WITHOUT ROWID;
CREATE TABLE sort_key (
    scope INTEGER NOT NULL,
    key INTEGER NOT NULL,
    num INTEGER NOT NULL,
    PRIMARY KEY (scope, key DESC, num)
  ) WITHOUT ROWID;
INSERT INTO "sort_key" VALUES(9,327369600000,1);
INSERT INTO "sort_key" VALUES(11,1767225595000,7);
INSERT INTO "sort_key" VALUES(12,1767225591000,10);
INSERT INTO "sort_key" VALUES(12,1767139200001,9);
INSERT INTO "sort_key" VALUES(13,1767225601000,8);
INSERT INTO "sort_key" VALUES(14,1770681599960,9);
INSERT INTO "sort_key" VALUES(14,1767225602999,10);
INSERT INTO "sort_key" VALUES(15,0,11);
INSERT INTO "sort_key" VALUES(16,1767225600000,6);
CREATE TABLE text_entry (
  scope INTEGER NOT NULL,
  value TEXT NOT NULL,
  num INTEGER NOT NULL,
  detail TEXT NOT NULL,
  PRIMARY KEY (scope, value, num, detail)
) WITHOUT ROWID;
INSERT INTO "text_entry" VALUES(1,'meier',1,'Meier');
INSERT INTO "text_entry" VALUES(3,'final',2,'');
INSERT INTO "text_entry" VALUES(4,'Patient/ada',2,'');
INSERT INTO "text_entry" VALUES(6,'eve',5,'');
INSERT INTO "text_entry" VALUES(8,'final',11,'');
CREATE TABLE vault (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL,
  expires INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO "vault" VALUES('cursor-key','secret',4922899200000);
CREATE TABLE version (
  seq INTEGER PRIMARY KEY,
  num INTEGER NOT NULL REFERENCES resource (num),
  version INTEGER NOT NULL,
  type TEXT NOT NULL,
  updated INTEGER NOT NULL,
  latest INTEGER NOT NULL,
  owner TEXT NOT NULL,
  method TEXT NOT NULL,
  blob_hash TEXT,
  blob_size INTEGER,
  text TEXT,
  UNIQUE (num, version)
);
INSERT INTO "version" VALUES(1,1,1,'Patient',1793491201000,1793491201000,'home','POST',NULL,NULL,'{"resourceType":"Patient","id":"ada","meta":{"versionId":"1","lastUpdated":"2026-11-01T00:00:01.000Z"},"name":[{"family":"Müller"}],"birthDate":"1980-05-17"}');
INSERT INTO "version" VALUES(2,1,2,'Patient',1793491202000,1793491202000,'home','PUT',NULL,NULL,'{"resourceType":"Patient","id":"ada","meta":{"versionId":"2","lastUpdated":"2026-11-01T00:00:02.000Z"},"name":[{"family":"Meier"}],"birthDate":"1980-05-17"}');
INSERT INTO "version" VALUES(3,2,1,'Observation',1793491203000,1793491203000,'home','PUT',NULL,NULL,'{"resourceType":"Observation","id":"one","meta":{"versionId":"1","lastUpdated":"2026-11-01T00:00:03.000Z"},"status":"final","code":{"text":"a b"},"subject":{"reference":"Patient/ada"},"valueDecimal":0}');
INSERT INTO "version" VALUES(4,3,1,'Patient',1793491204000,1793491204000,'home','PUT',NULL,NULL,'{"resourceType":"Patient","id":"gone","meta":{"versionId":"1","lastUpdated":"2026-11-01T00:00:04.000Z"},"active":true}');
INSERT INTO "version" VALUES(5,3,2,'Patient',1793491205000,1793491205000,'home','DELETE',NULL,NULL,NULL);
INSERT INTO "version" VALUES(6,4,1,'Binary',1793491206000,1793491206000,'home','PUT','abababababababababababababababababababababababababababababababab',5,'{"resourceType":"Binary","id":"photo","meta":{"versionId":"1","lastUpdated":"2026-11-01T00:00:06.000Z"},"contentType":"image/jpeg"}');
INSERT INTO "version" VALUES(7,5,1,'Patient',1793491207000,1793491207000,'org-2','PUT',NULL,NULL,'{"resourceType":"Patient","id":"other","meta":{"versionId":"1","lastUpdated":"2026-11-01T00:00:07.000Z"}}');
INSERT INTO "version" VALUES(8,6,1,'Observation',1768225601000,1793491207000,'org-3','PUT',NULL,NULL,'{"resourceType":"Observation","id":"a","meta":{"versionId":"1","lastUpdated":"2026-01-12T13:46:41.000Z"}}');
INSERT INTO "version" VALUES(9,7,1,'Observation',1768225602000,1793491207000,'org-3','PUT',NULL,NULL,'{"resourceType":"Observation","id":"b","meta":{"versionId":"1","lastUpdated":"2026-01-12T13:46:42.000Z"}}');
INSERT INTO "version" VALUES(10,8,1,'Observation',1768225603000,1793491207000,'org-3','PUT',NULL,NULL,'{"resourceType":"Observation","id":"c","meta":{"versionId":"1","lastUpdated":"2026-01-12T13:46:43.000Z"}}');
INSERT INTO "version" VALUES(11,9,1,'Observation',1768225604000,1793491207000,'org-3','PUT',NULL,NULL,'{"resourceType":"Observation","id":"d","meta":{"versionId":"1","lastUpdated":"2026-01-12T13:46:44.000Z"}}');
INSERT INTO "version" VALUES(12,10,1,'Observation',1768225605000,1793491207000,'org-3','PUT',NULL,NULL,'{"resourceType":"Observation","id":"e","meta":{"versionId":"1","lastUpdated":"2026-01-12T13:46:45.000Z"}}');
INSERT INTO "version" VALUES(13,11,1,'Observation',1768225606000,1793491207000,'org-3','PUT',NULL,NULL,'{"resourceType":"Observation","id":"none","meta":{"versionId":"1","lastUpdated":"2026-01-12T13:46:46.000Z"}}');
INSERT INTO "version" VALUES(14,12,1,'Observation',1768225607000,1793491207000,'org-3','PUT',NULL,NULL,'{"resourceType":"Observation","id":"gone","meta":{"versionId":"1","lastUpdated":"2026-01-12T13:46:47.000Z"}}');
INSERT INTO "version" VALUES(15,12,2,'Observation',1768225608000,1793491207000,'org-3','DELETE',NULL,NULL,NULL);
CREATE INDEX resource_listed ON resource (owner, type, num) WHERE NOT deleted;
CREATE INDEX resource_updated ON resource (owner, type, updated, num) WHERE NOT deleted;
CREATE INDEX version_of_type ON version (type, seq, owner, updated);
CREATE INDEX vault_expires ON vault (expires);
CREATE INDEX version_blob ON version (blob_hash) WHERE blob_hash IS NOT NULL;
CREATE INDEX opening_listed ON opening (org, type, num, since, until);
CREATE INDEX opening_via ON opening (via);
PRAGMA user_version = 7;
