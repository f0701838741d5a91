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
	PRIMARY KEY (sequence)
);
INSERT INTO "activity" VALUES(1,'req_1','org_01a1fd7797827fb88ac24259e0eccb44','2026-01-01T00:00:01.000+00:00','/v1/auto/route','text','regex','0.9500','SIMPLE','lab/small','lab','why not','lab/small lab/large',200,12,34,'',50000000,'6.70',0);
INSERT INTO "activity" VALUES(2,'req_last','org_01a1fd7797827fb88ac24259e0eccb44','2026-01-01T00:00:01.000+00:00','/v1/auto/route','text','regex','0.9500','SIMPLE','lab/small','lab','why not','lab/small lab/large',200,12,34,'',0,'6.70',0);
CREATE TABLE balances (
	account VARCHAR NOT NULL, 
	amount_cents BIGINT NOT NULL, 
	PRIMARY KEY (account)
)
 WITHOUT ROWID

;
INSERT INTO "balances" VALUES('held:org_01a1fd7797827fb88ac24259e0eccb44',10000000000);
INSERT INTO "balances" VALUES('promotions',-100300000005);
INSERT INTO "balances" VALUES('revenue',50000000);
INSERT INTO "balances" VALUES('wallet:org_01a1fd7797827fb88ac24259e0eccb44',89950000005);
INSERT INTO "balances" VALUES('wallet:org_01a1fd7797847f63ad1b8a6481e51b44',300000000);
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
INSERT INTO "feedback" VALUES('fb_01a1fd77978c7a868ad3a5903b406a01','org_01a1fd7797827fb88ac24259e0eccb44','2026-11-21T09:37:15.660+00:00','a prompt','text',0,'0.5','code');
INSERT INTO "feedback" VALUES('fb_01a1fd77978f7a8a8a6737f86727be94','org_none','2026-11-21T09:37:15.663+00:00','',NULL,1,NULL,NULL);
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
INSERT INTO "keys" VALUES('key_01a1fd779783750c971e32cbd5678384','org_01a1fd7797827fb88ac24259e0eccb44',X'F842B321EF5510A74A994B71F6998FDA89523EA34FE8CEAF26D4C57E0DBB463A','pk_live_abcdefghi',0,'2026-11-21T09:37:15.651+00:00',NULL);
INSERT INTO "keys" VALUES('key_01a1fd779784763ba04773c1780da2ed','org_01a1fd7797827fb88ac24259e0eccb44',X'5870401B0F6ED752EA553B2A338616D0A74A1D3547B54C4797CB2A2D04CFF659','pk_test_abcdefghj',1,'2026-11-21T09:37:15.652+00:00',NULL);
INSERT INTO "keys" VALUES('key_01a1fd77978570afb7999965079d8cc7','org_01a1fd7797847f63ad1b8a6481e51b44',X'B98D667CA1ADB92C18A4FC2F7A8B9DD6CB8F06BE5E033F0E4D5A73842131B27D','pk_live_abcdefghk',0,'2026-11-21T09:37:15.653+00:00','2026-11-21T09:37:15.968+00:00');
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
INSERT INTO "ledger" VALUES(1,'txn_01a1fd779785776da27ebeb3579aee64','grant','promotions',-100000000005,NULL,'2026-11-21T09:37:15.653+00:00');
INSERT INTO "ledger" VALUES(2,'txn_01a1fd779785776da27ebeb3579aee64','grant','wallet:org_01a1fd7797827fb88ac24259e0eccb44',100000000005,NULL,'2026-11-21T09:37:15.653+00:00');
INSERT INTO "ledger" VALUES(3,'txn_01a1fd7797867396b943930212d64a8b','grant','promotions',-300000000,NULL,'2026-11-21T09:37:15.654+00:00');
INSERT INTO "ledger" VALUES(4,'txn_01a1fd7797867396b943930212d64a8b','grant','wallet:org_01a1fd7797847f63ad1b8a6481e51b44',300000000,NULL,'2026-11-21T09:37:15.654+00:00');
INSERT INTO "ledger" VALUES(5,'res_01a1fd77978a79aa9262a26cbd9c8c9f','reserve','wallet:org_01a1fd7797827fb88ac24259e0eccb44',-200000000,'req_1','2026-11-21T09:37:15.658+00:00');
INSERT INTO "ledger" VALUES(6,'res_01a1fd77978a79aa9262a26cbd9c8c9f','reserve','held:org_01a1fd7797827fb88ac24259e0eccb44',200000000,'req_1','2026-11-21T09:37:15.658+00:00');
INSERT INTO "ledger" VALUES(7,'txn_01a1fd77978b752284ea3fc703556b85','settle','held:org_01a1fd7797827fb88ac24259e0eccb44',-200000000,'req_1','2026-11-21T09:37:15.659+00:00');
INSERT INTO "ledger" VALUES(8,'txn_01a1fd77978b752284ea3fc703556b85','settle','revenue',50000000,'req_1','2026-11-21T09:37:15.659+00:00');
INSERT INTO "ledger" VALUES(9,'txn_01a1fd77978b752284ea3fc703556b85','settle','wallet:org_01a1fd7797827fb88ac24259e0eccb44',150000000,'req_1','2026-11-21T09:37:15.659+00:00');
INSERT INTO "ledger" VALUES(10,'res_01a1fd77978c7131b2c6cd2878c1adcb','reserve','wallet:org_01a1fd7797827fb88ac24259e0eccb44',-100000000,'req_2','2026-11-21T09:37:15.660+00:00');
INSERT INTO "ledger" VALUES(11,'res_01a1fd77978c7131b2c6cd2878c1adcb','reserve','held:org_01a1fd7797827fb88ac24259e0eccb44',100000000,'req_2','2026-11-21T09:37:15.660+00:00');
INSERT INTO "ledger" VALUES(12,'txn_01a1fd77978c7a469b6b273d675e19e8','release','held:org_01a1fd7797827fb88ac24259e0eccb44',-100000000,'req_2','2026-11-21T09:37:15.661+00:00');
INSERT INTO "ledger" VALUES(13,'txn_01a1fd77978c7a469b6b273d675e19e8','release','wallet:org_01a1fd7797827fb88ac24259e0eccb44',100000000,'req_2','2026-11-21T09:37:15.661+00:00');
INSERT INTO "ledger" VALUES(14,'res_01a1fd77978d730193b208fb3f829c43','reserve','wallet:org_01a1fd7797827fb88ac24259e0eccb44',-10000000000,'req_lost','2026-11-21T09:37:15.661+00:00');
INSERT INTO "ledger" VALUES(15,'res_01a1fd77978d730193b208fb3f829c43','reserve','held:org_01a1fd7797827fb88ac24259e0eccb44',10000000000,'req_lost','2026-11-21T09:37:15.661+00:00');
CREATE TABLE organizations (
	id VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	"plan" VARCHAR NOT NULL, 
	created_at VARCHAR NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (name)
);
INSERT INTO "organizations" VALUES('org_01a1fd7797827fb88ac24259e0eccb44','ada','max','2026-11-21T09:37:15.650+00:00');
INSERT INTO "organizations" VALUES('org_01a1fd7797847f63ad1b8a6481e51b44','bob','free','2026-11-21T09:37:15.652+00:00');
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
INSERT INTO "reservations" VALUES('res_01a1fd77978d730193b208fb3f829c43','org_01a1fd7797827fb88ac24259e0eccb44',10000000000,'req_lost','own_01a1fd77977e7fdfa5bb60ceabb535f3','2026-11-21T09:37:15.661+00:00');
CREATE TABLE schema_version (
	version INTEGER NOT NULL
);
INSERT INTO "schema_version" VALUES(0);
CREATE INDEX ledger_by_account ON ledger (account, sequence);
CREATE INDEX activity_by_organization ON activity (organization_id, timestamp);
CREATE INDEX feedback_by_organization ON feedback (organization_id, timestamp);
COMMIT;
