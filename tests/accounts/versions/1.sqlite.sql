BEGIN TRANSACTION;
CREATE TABLE activity (
	sequence INTEGER NOT NULL, 
	request_id VARCHAR NOT NULL, 
	organization_id VARCHAR NOT NULL, 
	timestamp VARCHAR NOT NULL, 
	endpoint VARCHAR NOT NULL, 
	task VARCHAR, 
	decision VARCHAR, 
	confidence VARCHAR, 
	complexity_tier VARCHAR, 
	model VARCHAR, 
	provider VARCHAR, 
	routing_reason TEXT, 
	fallback_chain TEXT, 
	status INTEGER NOT NULL, 
	prompt_tokens INTEGER NOT NULL, 
	completion_tokens INTEGER NOT NULL, 
	units TEXT NOT NULL, 
	cost_cents BIGINT NOT NULL, 
	latency_ms VARCHAR NOT NULL, 
	cached BOOLEAN NOT NULL, 
	optimization VARCHAR, 
	content_mode VARCHAR, 
	PRIMARY KEY (sequence)
);
INSERT INTO "activity" VALUES(1,'req_1','org_01a1fd779a4778a3880646739fc7564e','2026-01-01T00:00:01.000+00:00','/v1/auto/route','text','regex','0.9500','SIMPLE','lab/small','lab','why not','lab/small lab/large',200,12,34,'',50000000,'6.70',0,NULL,NULL);
INSERT INTO "activity" VALUES(2,'req_cheap_0','org_01a1fd779a4778a3880646739fc7564e','2026-01-01T00:00:01.000+00:00','/v1/auto/route','text','regex','0.9500','SIMPLE','lab/small','lab','why not','lab/small lab/large',200,12,34,'',5,'6.70',0,'balanced','new');
INSERT INTO "activity" VALUES(3,'req_cheap_1','org_01a1fd779a4778a3880646739fc7564e','2026-01-01T00:00:01.000+00:00','/v1/auto/route','text','regex','0.9500','SIMPLE','lab/small','lab','why not','lab/small lab/large',200,12,34,'',5,'6.70',0,'balanced','new');
INSERT INTO "activity" VALUES(4,'req_cheap_2','org_01a1fd779a4778a3880646739fc7564e','2026-01-01T00:00:01.000+00:00','/v1/auto/route','text','regex','0.9500','SIMPLE','lab/small','lab','why not','lab/small lab/large',200,12,34,'',5,'6.70',0,'balanced','new');
INSERT INTO "activity" VALUES(5,'req_last','org_01a1fd779a4778a3880646739fc7564e','2026-01-01T00:00:01.000+00:00','/v1/auto/route','text','regex','0.9500','SIMPLE','lab/small','lab','why not','lab/small lab/large',200,12,34,'',0,'6.70',0,'balanced','new');
CREATE TABLE balances (
	account VARCHAR NOT NULL, 
	amount_cents BIGINT NOT NULL, 
	PRIMARY KEY (account)
)
 WITHOUT ROWID

;
INSERT INTO "balances" VALUES('held:org_01a1fd779a4778a3880646739fc7564e',10255999990);
INSERT INTO "balances" VALUES('promotions',-100300000005);
INSERT INTO "balances" VALUES('revenue',50000015);
INSERT INTO "balances" VALUES('wallet:org_01a1fd779a4778a3880646739fc7564e',89694000000);
INSERT INTO "balances" VALUES('wallet:org_01a1fd779a5877c9a122fe3a716c0564',300000000);
CREATE TABLE failed_attempts (
	sequence INTEGER NOT NULL, 
	request_id VARCHAR NOT NULL, 
	organization_id VARCHAR NOT NULL, 
	timestamp VARCHAR NOT NULL, 
	model VARCHAR NOT NULL, 
	provider VARCHAR NOT NULL, 
	status INTEGER, 
	PRIMARY KEY (sequence)
);
INSERT INTO "failed_attempts" VALUES(1,'req_1','org_01a1fd779a4778a3880646739fc7564e','2026-11-21T09:37:17.678+00:00','lab/large','lab',503);
CREATE TABLE feedback (
	id VARCHAR NOT NULL, 
	organization_id VARCHAR NOT NULL, 
	timestamp VARCHAR NOT NULL, 
	prompt TEXT NOT NULL, 
	classified_task VARCHAR, 
	correct BOOLEAN NOT NULL, 
	confidence VARCHAR, 
	suggested_task VARCHAR, 
	PRIMARY KEY (id)
);
INSERT INTO "feedback" VALUES('fb_01a1fd779f777c47ab61f3604a6d5176','org_01a1fd779a4778a3880646739fc7564e','2026-11-21T09:37:17.687+00:00','a prompt','text',0,'0.5','code');
INSERT INTO "feedback" VALUES('fb_01a1fd779f7973ccac1f4d5736baae86','org_none','2026-11-21T09:37:17.689+00:00','',NULL,1,NULL,NULL);
CREATE TABLE keys (
	id VARCHAR NOT NULL, 
	organization_id VARCHAR NOT NULL, 
	digest BLOB NOT NULL, 
	prefix VARCHAR NOT NULL, 
	test BOOLEAN NOT NULL, 
	created_at VARCHAR NOT NULL, 
	revoked_at VARCHAR, 
	PRIMARY KEY (id), 
	FOREIGN KEY(organization_id) REFERENCES organizations (id), 
	UNIQUE (digest)
);
INSERT INTO "keys" VALUES('key_01a1fd779a477f868297b0e9a34f59e2','org_01a1fd779a4778a3880646739fc7564e',X'F842B321EF5510A74A994B71F6998FDA89523EA34FE8CEAF26D4C57E0DBB463A','pk_live_abcdefghi',0,'2026-11-21T09:37:16.359+00:00',NULL);
INSERT INTO "keys" VALUES('key_01a1fd779a577a12a17253ef82ad7149','org_01a1fd779a4778a3880646739fc7564e',X'5870401B0F6ED752EA553B2A338616D0A74A1D3547B54C4797CB2A2D04CFF659','pk_test_abcdefghj',1,'2026-11-21T09:37:16.375+00:00',NULL);
INSERT INTO "keys" VALUES('key_01a1fd779a58798490da87d9aa1aecea','org_01a1fd779a5877c9a122fe3a716c0564',X'B98D667CA1ADB92C18A4FC2F7A8B9DD6CB8F06BE5E033F0E4D5A73842131B27D','pk_live_abcdefghk',0,'2026-11-21T09:37:16.376+00:00','2026-11-21T09:37:17.993+00:00');
CREATE TABLE ledger (
	sequence INTEGER NOT NULL, 
	transaction_id VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	account VARCHAR NOT NULL, 
	amount_cents BIGINT NOT NULL, 
	request_id VARCHAR, 
	created_at VARCHAR NOT NULL, 
	PRIMARY KEY (sequence)
);
INSERT INTO "ledger" VALUES(1,'txn_01a1fd779a5f7d23aa4cf1088ac14f30','grant','promotions',-100000000005,NULL,'2026-11-21T09:37:16.384+00:00');
INSERT INTO "ledger" VALUES(2,'txn_01a1fd779a5f7d23aa4cf1088ac14f30','grant','wallet:org_01a1fd779a4778a3880646739fc7564e',100000000005,NULL,'2026-11-21T09:37:16.384+00:00');
INSERT INTO "ledger" VALUES(3,'txn_01a1fd779a61756cae7a89c9d2c0c3e1','grant','promotions',-300000000,NULL,'2026-11-21T09:37:16.385+00:00');
INSERT INTO "ledger" VALUES(4,'txn_01a1fd779a61756cae7a89c9d2c0c3e1','grant','wallet:org_01a1fd779a5877c9a122fe3a716c0564',300000000,NULL,'2026-11-21T09:37:16.385+00:00');
INSERT INTO "ledger" VALUES(5,'res_01a1fd779a737b909dc6b3454a93e0aa','reserve','wallet:org_01a1fd779a4778a3880646739fc7564e',-200000000,'req_1','2026-11-21T09:37:16.404+00:00');
INSERT INTO "ledger" VALUES(6,'res_01a1fd779a737b909dc6b3454a93e0aa','reserve','held:org_01a1fd779a4778a3880646739fc7564e',200000000,'req_1','2026-11-21T09:37:16.404+00:00');
INSERT INTO "ledger" VALUES(7,'txn_01a1fd779a747c13905b2a8de8c80842','settle','held:org_01a1fd779a4778a3880646739fc7564e',-200000000,'req_1','2026-11-21T09:37:16.405+00:00');
INSERT INTO "ledger" VALUES(8,'txn_01a1fd779a747c13905b2a8de8c80842','settle','revenue',50000000,'req_1','2026-11-21T09:37:16.405+00:00');
INSERT INTO "ledger" VALUES(9,'txn_01a1fd779a747c13905b2a8de8c80842','settle','wallet:org_01a1fd779a4778a3880646739fc7564e',150000000,'req_1','2026-11-21T09:37:16.405+00:00');
INSERT INTO "ledger" VALUES(10,'res_01a1fd779a7579268ca6e3cdf8f324c3','reserve','wallet:org_01a1fd779a4778a3880646739fc7564e',-100000000,'req_2','2026-11-21T09:37:16.407+00:00');
INSERT INTO "ledger" VALUES(11,'res_01a1fd779a7579268ca6e3cdf8f324c3','reserve','held:org_01a1fd779a4778a3880646739fc7564e',100000000,'req_2','2026-11-21T09:37:16.407+00:00');
INSERT INTO "ledger" VALUES(12,'txn_01a1fd779a787590a71ce61aa69fe3d7','release','held:org_01a1fd779a4778a3880646739fc7564e',-100000000,'req_2','2026-11-21T09:37:16.408+00:00');
INSERT INTO "ledger" VALUES(13,'txn_01a1fd779a787590a71ce61aa69fe3d7','release','wallet:org_01a1fd779a4778a3880646739fc7564e',100000000,'req_2','2026-11-21T09:37:16.408+00:00');
INSERT INTO "ledger" VALUES(14,'res_01a1fd779ec57b8d93366c71b0a2feae','reserve','wallet:org_01a1fd779a4778a3880646739fc7564e',-1000000,'req_cheap_0','2026-11-21T09:37:17.510+00:00');
INSERT INTO "ledger" VALUES(15,'res_01a1fd779ec57b8d93366c71b0a2feae','reserve','held:org_01a1fd779a4778a3880646739fc7564e',1000000,'req_cheap_0','2026-11-21T09:37:17.510+00:00');
INSERT INTO "ledger" VALUES(16,'txn_01a1fd779ec57aa890a1660dcd78b00c','fund','wallet:org_01a1fd779a4778a3880646739fc7564e',-256000000,'pool','2026-11-21T09:37:17.510+00:00');
INSERT INTO "ledger" VALUES(17,'txn_01a1fd779ec57aa890a1660dcd78b00c','fund','held:org_01a1fd779a4778a3880646739fc7564e',256000000,'pool','2026-11-21T09:37:17.510+00:00');
INSERT INTO "ledger" VALUES(18,'txn_01a1fd779ec87cc5b2ef9e5c5af94606','settle','held:org_01a1fd779a4778a3880646739fc7564e',-1000000,'req_cheap_0','2026-11-21T09:37:17.515+00:00');
INSERT INTO "ledger" VALUES(19,'txn_01a1fd779ec87cc5b2ef9e5c5af94606','settle','revenue',5,'req_cheap_0','2026-11-21T09:37:17.515+00:00');
INSERT INTO "ledger" VALUES(20,'txn_01a1fd779ec87cc5b2ef9e5c5af94606','settle','wallet:org_01a1fd779a4778a3880646739fc7564e',999995,'req_cheap_0','2026-11-21T09:37:17.515+00:00');
INSERT INTO "ledger" VALUES(21,'txn_01a1fd779efe7dd689a57bd089fa0a3c','charge','held:org_01a1fd779a4778a3880646739fc7564e',-5,'req_cheap_1','2026-11-21T09:37:17.572+00:00');
INSERT INTO "ledger" VALUES(22,'txn_01a1fd779efe7dd689a57bd089fa0a3c','charge','revenue',5,'req_cheap_1','2026-11-21T09:37:17.572+00:00');
INSERT INTO "ledger" VALUES(23,'txn_01a1fd779f3a7598908a261fa2d750e0','charge','held:org_01a1fd779a4778a3880646739fc7564e',-5,'req_cheap_2','2026-11-21T09:37:17.627+00:00');
INSERT INTO "ledger" VALUES(24,'txn_01a1fd779f3a7598908a261fa2d750e0','charge','revenue',5,'req_cheap_2','2026-11-21T09:37:17.627+00:00');
INSERT INTO "ledger" VALUES(25,'res_01a1fd779f78792382285b2a89f53836','reserve','wallet:org_01a1fd779a4778a3880646739fc7564e',-10000000000,'req_lost','2026-11-21T09:37:17.688+00:00');
INSERT INTO "ledger" VALUES(26,'res_01a1fd779f78792382285b2a89f53836','reserve','held:org_01a1fd779a4778a3880646739fc7564e',10000000000,'req_lost','2026-11-21T09:37:17.688+00:00');
CREATE TABLE organizations (
	id VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	"plan" VARCHAR NOT NULL, 
	created_at VARCHAR NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (name)
);
INSERT INTO "organizations" VALUES('org_01a1fd779a4778a3880646739fc7564e','ada','max','2026-11-21T09:37:16.359+00:00');
INSERT INTO "organizations" VALUES('org_01a1fd779a5877c9a122fe3a716c0564','bob','free','2026-11-21T09:37:16.376+00:00');
CREATE TABLE preferences (
	organization_id VARCHAR NOT NULL, 
	"key" VARCHAR NOT NULL, 
	value TEXT NOT NULL, 
	updated_at VARCHAR NOT NULL, 
	PRIMARY KEY (organization_id, "key")
);
INSERT INTO "preferences" VALUES('org_01a1fd779a4778a3880646739fc7564e','default_task','"code"','2026-11-21T09:37:17.679+00:00');
INSERT INTO "preferences" VALUES('org_01a1fd779a4778a3880646739fc7564e','excluded_providers','["größer"]','2026-11-21T09:37:17.681+00:00');
CREATE TABLE reservations (
	id VARCHAR NOT NULL, 
	organization_id VARCHAR NOT NULL, 
	amount_cents BIGINT NOT NULL, 
	request_id VARCHAR NOT NULL, 
	owner VARCHAR NOT NULL, 
	created_at VARCHAR NOT NULL, 
	PRIMARY KEY (id)
)
 WITHOUT ROWID

;
INSERT INTO "reservations" VALUES('res_01a1fd779a6a7dcbaf195d9aa3c9be58','org_01a1fd779a4778a3880646739fc7564e',255999990,'pool','own_01a1fd779a437fad9bc5410127b2e940','2026-11-21T09:37:17.510+00:00');
INSERT INTO "reservations" VALUES('res_01a1fd779f78792382285b2a89f53836','org_01a1fd779a4778a3880646739fc7564e',10000000000,'req_lost','own_01a1fd779a437fad9bc5410127b2e940','2026-11-21T09:37:17.688+00:00');
CREATE TABLE schema_version (
	version INTEGER NOT NULL
);
INSERT INTO "schema_version" VALUES(1);
CREATE INDEX ledger_by_account ON ledger (account, sequence);
CREATE INDEX activity_by_organization ON activity (organization_id, timestamp);
CREATE INDEX activity_by_model ON activity (model, timestamp);
CREATE INDEX failed_attempts_by_organization ON failed_attempts (organization_id, timestamp);
CREATE INDEX failed_attempts_by_model ON failed_attempts (model, timestamp);
CREATE INDEX feedback_by_organization ON feedback (organization_id, timestamp);
COMMIT;
