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
	content_mode VARCHAR, rates TEXT, catalog_version VARCHAR, 
	PRIMARY KEY (sequence)
);
INSERT INTO "activity" VALUES(1,'req_1','org_01a1fd77a2a07d688e2211cda26706b5','2026-01-01T00:00:01.000+00:00','/v1/auto/route','text','regex','0.9500','SIMPLE','lab/small','lab','why not','lab/small lab/large',200,12,34,'',50000000,'6.70',0,NULL,NULL,NULL,NULL);
INSERT INTO "activity" VALUES(2,'req_cheap_0','org_01a1fd77a2a07d688e2211cda26706b5','2026-01-01T00:00:01.000+00:00','/v1/auto/route','text','regex','0.9500','SIMPLE','lab/small','lab','why not','lab/small lab/large',200,12,34,'',5,'6.70',0,'balanced','new',NULL,NULL);
INSERT INTO "activity" VALUES(3,'req_cheap_1','org_01a1fd77a2a07d688e2211cda26706b5','2026-01-01T00:00:01.000+00:00','/v1/auto/route','text','regex','0.9500','SIMPLE','lab/small','lab','why not','lab/small lab/large',200,12,34,'',5,'6.70',0,'balanced','new',NULL,NULL);
INSERT INTO "activity" VALUES(4,'req_cheap_2','org_01a1fd77a2a07d688e2211cda26706b5','2026-01-01T00:00:01.000+00:00','/v1/auto/route','text','regex','0.9500','SIMPLE','lab/small','lab','why not','lab/small lab/large',200,12,34,'',5,'6.70',0,'balanced','new',NULL,NULL);
INSERT INTO "activity" VALUES(5,'req_kept','org_01a1fd77a2a07d688e2211cda26706b5','2026-01-01T00:00:01.000+00:00','/v1/auto/route','text','regex','0.9500','SIMPLE','lab/small','lab','why not','lab/small lab/large',200,12,34,'',300000000,'6.70',0,'balanced','new',NULL,NULL);
INSERT INTO "activity" VALUES(6,'req_last','org_01a1fd77a2a07d688e2211cda26706b5','2026-01-01T00:00:01.000+00:00','/v1/auto/route','text','regex','0.9500','SIMPLE','lab/small','lab','why not','lab/small lab/large',200,12,34,'',0,'6.70',0,'balanced','new','{"input_per_million_tokens":"0.1","output_per_million_tokens":"0.2"}','2026-11-21');
CREATE TABLE balances (
	account VARCHAR NOT NULL, 
	amount_cents BIGINT NOT NULL, 
	PRIMARY KEY (account)
)
 WITHOUT ROWID

;
INSERT INTO "balances" VALUES('cash',0);
INSERT INTO "balances" VALUES('held:org_01a1fd77a2a07d688e2211cda26706b5',10255999990);
INSERT INTO "balances" VALUES('held:org_01a1fd77a2bc764385dd8d85507b96fd',0);
INSERT INTO "balances" VALUES('owed:org_01a1fd77a2a07d688e2211cda26706b5',0);
INSERT INTO "balances" VALUES('owed:org_01a1fd77a2bc764385dd8d85507b96fd',-1200000000);
INSERT INTO "balances" VALUES('promotions',-100300000005);
INSERT INTO "balances" VALUES('revenue',2550000015);
INSERT INTO "balances" VALUES('wallet:org_01a1fd77a2a07d688e2211cda26706b5',88694000000);
INSERT INTO "balances" VALUES('wallet:org_01a1fd77a2bc764385dd8d85507b96fd',0);
CREATE TABLE baselines (
            account VARCHAR NOT NULL, period VARCHAR NOT NULL, cents BIGINT NOT NULL, sequence BIGINT NOT NULL,
            PRIMARY KEY (account, period));
INSERT INTO "baselines" VALUES('wallet:org_01a1fd77a2a07d688e2211cda26706b5','2026-11-21',100000000005,0);
CREATE TABLE deployment (
	name VARCHAR NOT NULL, 
	value VARCHAR NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "deployment" VALUES('secret','c28ab6352d3ef5111252b00b838be30653c80163570d413ae507f4698cc012aa');
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
INSERT INTO "failed_attempts" VALUES(1,'req_1','org_01a1fd77a2a07d688e2211cda26706b5','2026-11-21T09:37:19.885+00:00','lab/large','lab',503);
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
INSERT INTO "feedback" VALUES('fb_01a1fd77a8187025b9e16f704149ab46','org_01a1fd77a2a07d688e2211cda26706b5','2026-11-21T09:37:19.896+00:00','a prompt','text',0,'0.5','code');
CREATE TABLE idempotency (
	organization_id VARCHAR NOT NULL, 
	"key" VARCHAR NOT NULL, 
	run VARCHAR NOT NULL, 
	request_id VARCHAR NOT NULL, 
	fingerprint BLOB NOT NULL, 
	owner VARCHAR NOT NULL, 
	charged_cents BIGINT NOT NULL, 
	created_at VARCHAR NOT NULL, 
	status INTEGER, 
	headers TEXT, 
	body BLOB, charged_key_id VARCHAR, 
	PRIMARY KEY (organization_id, "key")
);
INSERT INTO "idempotency" VALUES('org_01a1fd77a2a07d688e2211cda26706b5','c3934a052a3906b0a6ef3c4167a96168244a04bb3742aac244a912d56acd4524','run_01a1fd77a8347235ad75a9b70aebc1cf','req_kept',X'9CEE01AF6771DC5186D13A65FA45BCCD669737BE5BBFE85421328AE5E27D095C','own_01a1fd77a27f7eae837c1ef9d8cbce34',300000000,'2099-01-01T00:00:00.000+00:00',200,'[["content-type","application/json"]]',X'8390AF4DDAC28A1B5B0060E36E12976E9C2FD14E3577C09F6D041ED8FCD811149E59E87BD0EF15F59420DCA8A02F9B845FC0',NULL);
INSERT INTO "idempotency" VALUES('org_01a1fd77a2a07d688e2211cda26706b5','ea53e988a81c0f6d6649535932a65db0bc9afe682f42dd52e28cf46a7ef1f825','run_01a1fd77a83c7e81bf9e1e4dc7899294','req_off',X'9CEE01AF6771DC5186D13A65FA45BCCD669737BE5BBFE85421328AE5E27D095C','own_01a1fd77a27f7eae837c1ef9d8cbce34',700000000,'2099-01-01T00:00:00.000+00:00',NULL,NULL,NULL,NULL);
CREATE TABLE kept_bytes (
            organization_id VARCHAR NOT NULL, hour VARCHAR NOT NULL, bytes BIGINT NOT NULL,
            PRIMARY KEY (organization_id, hour));
INSERT INTO "kept_bytes" VALUES('org_01a1fd77a2a07d688e2211cda26706b5','2099-01-01T00',50);
CREATE TABLE keys (
	id VARCHAR NOT NULL, 
	organization_id VARCHAR NOT NULL, 
	digest BLOB NOT NULL, 
	prefix VARCHAR NOT NULL, 
	test BOOLEAN NOT NULL, 
	created_at VARCHAR NOT NULL, 
	revoked_at VARCHAR, 
	scopes VARCHAR DEFAULT 'inference read admin' NOT NULL, 
	expires_at VARCHAR, 
	last_used_at VARCHAR, 
	limits TEXT, daily_budget_cents BIGINT, monthly_budget_cents BIGINT, 
	PRIMARY KEY (id), 
	FOREIGN KEY(organization_id) REFERENCES organizations (id), 
	UNIQUE (digest)
);
INSERT INTO "keys" VALUES('key_01a1fd77a2a17ce8b4da61000771bff9','org_01a1fd77a2a07d688e2211cda26706b5',X'F842B321EF5510A74A994B71F6998FDA89523EA34FE8CEAF26D4C57E0DBB463A','pk_live_abcdefghi',0,'2026-11-21T09:37:18.497+00:00',NULL,'inference read admin',NULL,'2026-11-21T09:37:18.567+00:00',NULL,NULL,NULL);
INSERT INTO "keys" VALUES('key_01a1fd77a2b176efa11bf8c980ce639c','org_01a1fd77a2a07d688e2211cda26706b5',X'5870401B0F6ED752EA553B2A338616D0A74A1D3547B54C4797CB2A2D04CFF659','pk_test_abcdefghj',1,'2026-11-21T09:37:18.513+00:00',NULL,'inference read admin',NULL,NULL,NULL,NULL,NULL);
INSERT INTO "keys" VALUES('key_01a1fd77a2bd715291f5e949f07b07bc','org_01a1fd77a2bc764385dd8d85507b96fd',X'B98D667CA1ADB92C18A4FC2F7A8B9DD6CB8F06BE5E033F0E4D5A73842131B27D','pk_live_abcdefghk',0,'2026-11-21T09:37:18.525+00:00','2026-11-21T09:37:20.250+00:00','inference read admin',NULL,'2026-11-21T09:37:18.568+00:00',NULL,NULL,NULL);
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
INSERT INTO "ledger" VALUES(1,'txn_01a1fd77a2c77f67a686cecd132e454a','grant','promotions',-100000000005,NULL,'2026-11-21T09:37:18.536+00:00');
INSERT INTO "ledger" VALUES(2,'txn_01a1fd77a2c77f67a686cecd132e454a','grant','wallet:org_01a1fd77a2a07d688e2211cda26706b5',100000000005,NULL,'2026-11-21T09:37:18.536+00:00');
INSERT INTO "ledger" VALUES(3,'txn_01a1fd77a2d77ec8881dad67a7499699','grant','promotions',-300000000,NULL,'2026-11-21T09:37:18.552+00:00');
INSERT INTO "ledger" VALUES(4,'txn_01a1fd77a2d77ec8881dad67a7499699','grant','wallet:org_01a1fd77a2bc764385dd8d85507b96fd',300000000,NULL,'2026-11-21T09:37:18.552+00:00');
INSERT INTO "ledger" VALUES(5,'res_01a1fd77a2eb7d4a9cafb95e60a58d07','reserve','wallet:org_01a1fd77a2a07d688e2211cda26706b5',-200000000,'req_1','2026-11-21T09:37:18.582+00:00');
INSERT INTO "ledger" VALUES(6,'res_01a1fd77a2eb7d4a9cafb95e60a58d07','reserve','held:org_01a1fd77a2a07d688e2211cda26706b5',200000000,'req_1','2026-11-21T09:37:18.582+00:00');
INSERT INTO "ledger" VALUES(7,'txn_01a1fd77a2ff7fc4b7896c830a44083c','settle','held:org_01a1fd77a2a07d688e2211cda26706b5',-200000000,'req_1','2026-11-21T09:37:18.594+00:00');
INSERT INTO "ledger" VALUES(8,'txn_01a1fd77a2ff7fc4b7896c830a44083c','settle','revenue',50000000,'req_1','2026-11-21T09:37:18.594+00:00');
INSERT INTO "ledger" VALUES(9,'txn_01a1fd77a2ff7fc4b7896c830a44083c','settle','wallet:org_01a1fd77a2a07d688e2211cda26706b5',150000000,'req_1','2026-11-21T09:37:18.594+00:00');
INSERT INTO "ledger" VALUES(10,'res_01a1fd77a3047638abdb3daa1b8cf608','reserve','wallet:org_01a1fd77a2a07d688e2211cda26706b5',-100000000,'req_2','2026-11-21T09:37:18.597+00:00');
INSERT INTO "ledger" VALUES(11,'res_01a1fd77a3047638abdb3daa1b8cf608','reserve','held:org_01a1fd77a2a07d688e2211cda26706b5',100000000,'req_2','2026-11-21T09:37:18.597+00:00');
INSERT INTO "ledger" VALUES(12,'txn_01a1fd77a30b7df099856c4cce6fbdad','release','held:org_01a1fd77a2a07d688e2211cda26706b5',-100000000,'req_2','2026-11-21T09:37:18.604+00:00');
INSERT INTO "ledger" VALUES(13,'txn_01a1fd77a30b7df099856c4cce6fbdad','release','wallet:org_01a1fd77a2a07d688e2211cda26706b5',100000000,'req_2','2026-11-21T09:37:18.604+00:00');
INSERT INTO "ledger" VALUES(14,'res_01a1fd77a7597bf48727a0185b2149a3','reserve','wallet:org_01a1fd77a2a07d688e2211cda26706b5',-1000000,'req_cheap_0','2026-11-21T09:37:19.706+00:00');
INSERT INTO "ledger" VALUES(15,'res_01a1fd77a7597bf48727a0185b2149a3','reserve','held:org_01a1fd77a2a07d688e2211cda26706b5',1000000,'req_cheap_0','2026-11-21T09:37:19.706+00:00');
INSERT INTO "ledger" VALUES(16,'txn_01a1fd77a7597b14abe181cb8bb11d3b','fund','wallet:org_01a1fd77a2a07d688e2211cda26706b5',-256000000,'(pool)','2026-11-21T09:37:19.706+00:00');
INSERT INTO "ledger" VALUES(17,'txn_01a1fd77a7597b14abe181cb8bb11d3b','fund','held:org_01a1fd77a2a07d688e2211cda26706b5',256000000,'(pool)','2026-11-21T09:37:19.706+00:00');
INSERT INTO "ledger" VALUES(18,'txn_01a1fd77a7637e2587d1813d79093cdc','settle','held:org_01a1fd77a2a07d688e2211cda26706b5',-1000000,'req_cheap_0','2026-11-21T09:37:19.718+00:00');
INSERT INTO "ledger" VALUES(19,'txn_01a1fd77a7637e2587d1813d79093cdc','settle','revenue',5,'req_cheap_0','2026-11-21T09:37:19.718+00:00');
INSERT INTO "ledger" VALUES(20,'txn_01a1fd77a7637e2587d1813d79093cdc','settle','wallet:org_01a1fd77a2a07d688e2211cda26706b5',999995,'req_cheap_0','2026-11-21T09:37:19.718+00:00');
INSERT INTO "ledger" VALUES(21,'txn_01a1fd77a79d75bb9a12cccc72ea5312','charge','held:org_01a1fd77a2a07d688e2211cda26706b5',-5,'req_cheap_1','2026-11-21T09:37:19.776+00:00');
INSERT INTO "ledger" VALUES(22,'txn_01a1fd77a79d75bb9a12cccc72ea5312','charge','revenue',5,'req_cheap_1','2026-11-21T09:37:19.776+00:00');
INSERT INTO "ledger" VALUES(23,'txn_01a1fd77a7d675b1a6466f8b9075be00','charge','held:org_01a1fd77a2a07d688e2211cda26706b5',-5,'req_cheap_2','2026-11-21T09:37:19.831+00:00');
INSERT INTO "ledger" VALUES(24,'txn_01a1fd77a7d675b1a6466f8b9075be00','charge','revenue',5,'req_cheap_2','2026-11-21T09:37:19.831+00:00');
INSERT INTO "ledger" VALUES(25,'txn_01a1fd77a81e79c098a51f83b4176091','top_up','cash',-2000000000,'order:order_1','2026-11-21T09:37:19.902+00:00');
INSERT INTO "ledger" VALUES(26,'txn_01a1fd77a81e79c098a51f83b4176091','top_up','wallet:org_01a1fd77a2bc764385dd8d85507b96fd',2000000000,'order:order_1','2026-11-21T09:37:19.902+00:00');
INSERT INTO "ledger" VALUES(27,'res_01a1fd77a8207b12a71da735c90992be','reserve','wallet:org_01a1fd77a2bc764385dd8d85507b96fd',-1500000000,'req_bob','2026-11-21T09:37:19.904+00:00');
INSERT INTO "ledger" VALUES(28,'res_01a1fd77a8207b12a71da735c90992be','reserve','held:org_01a1fd77a2bc764385dd8d85507b96fd',1500000000,'req_bob','2026-11-21T09:37:19.904+00:00');
INSERT INTO "ledger" VALUES(29,'txn_01a1fd77a82871e2a760f949bf3e00f3','settle','held:org_01a1fd77a2bc764385dd8d85507b96fd',-1500000000,'req_bob','2026-11-21T09:37:19.914+00:00');
INSERT INTO "ledger" VALUES(30,'txn_01a1fd77a82871e2a760f949bf3e00f3','settle','revenue',1500000000,'req_bob','2026-11-21T09:37:19.914+00:00');
INSERT INTO "ledger" VALUES(31,'txn_01a1fd77a82c7eb290b655a8cc2f6f22','refund','wallet:org_01a1fd77a2bc764385dd8d85507b96fd',-800000000,'order:order_1','2026-11-21T09:37:19.917+00:00');
INSERT INTO "ledger" VALUES(32,'txn_01a1fd77a82c7eb290b655a8cc2f6f22','refund','owed:org_01a1fd77a2bc764385dd8d85507b96fd',-1200000000,'order:order_1','2026-11-21T09:37:19.917+00:00');
INSERT INTO "ledger" VALUES(33,'txn_01a1fd77a82c7eb290b655a8cc2f6f22','refund','cash',2000000000,'order:order_1','2026-11-21T09:37:19.917+00:00');
INSERT INTO "ledger" VALUES(34,'res_01a1fd77a83573988f2a599fc630dbf1','reserve','wallet:org_01a1fd77a2a07d688e2211cda26706b5',-300000000,'req_kept','2026-11-21T09:37:19.925+00:00');
INSERT INTO "ledger" VALUES(35,'res_01a1fd77a83573988f2a599fc630dbf1','reserve','held:org_01a1fd77a2a07d688e2211cda26706b5',300000000,'req_kept','2026-11-21T09:37:19.925+00:00');
INSERT INTO "ledger" VALUES(36,'txn_01a1fd77a83674a499899650c18784d5','settle','held:org_01a1fd77a2a07d688e2211cda26706b5',-300000000,'req_kept','2026-11-21T09:37:19.926+00:00');
INSERT INTO "ledger" VALUES(37,'txn_01a1fd77a83674a499899650c18784d5','settle','revenue',300000000,'req_kept','2026-11-21T09:37:19.926+00:00');
INSERT INTO "ledger" VALUES(38,'res_01a1fd77a84472de83f705babeefa891','reserve','wallet:org_01a1fd77a2a07d688e2211cda26706b5',-700000000,'req_off','2026-11-21T09:37:19.940+00:00');
INSERT INTO "ledger" VALUES(39,'res_01a1fd77a84472de83f705babeefa891','reserve','held:org_01a1fd77a2a07d688e2211cda26706b5',700000000,'req_off','2026-11-21T09:37:19.940+00:00');
INSERT INTO "ledger" VALUES(40,'txn_01a1fd77a8457baa9f0c8dd4b052b68e','settle','held:org_01a1fd77a2a07d688e2211cda26706b5',-700000000,'req_off','2026-11-21T09:37:19.941+00:00');
INSERT INTO "ledger" VALUES(41,'txn_01a1fd77a8457baa9f0c8dd4b052b68e','settle','revenue',700000000,'req_off','2026-11-21T09:37:19.941+00:00');
INSERT INTO "ledger" VALUES(42,'res_01a1fd77a84a76d3aeb7ad7e372f99f0','reserve','wallet:org_01a1fd77a2a07d688e2211cda26706b5',-10000000000,'req_lost','2026-11-21T09:37:19.946+00:00');
INSERT INTO "ledger" VALUES(43,'res_01a1fd77a84a76d3aeb7ad7e372f99f0','reserve','held:org_01a1fd77a2a07d688e2211cda26706b5',10000000000,'req_lost','2026-11-21T09:37:19.946+00:00');
CREATE TABLE meters (
	name VARCHAR NOT NULL, 
	state TEXT NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "meters" VALUES('org:org_01a1fd77a2a07d688e2211cda26706b5','[[[1795253839,1]],[],{"own_01a1fd77a27f7eae837c1ef9d8cbce34":1}]');
CREATE TABLE orders (
	id VARCHAR NOT NULL, 
	organization_id VARCHAR NOT NULL, 
	paid_cents BIGINT NOT NULL, 
	refunded_cents BIGINT NOT NULL, 
	created_at VARCHAR NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "orders" VALUES('order_1','org_01a1fd77a2bc764385dd8d85507b96fd',2000000000,2000000000,'2026-11-21T09:37:19.901+00:00');
CREATE TABLE organizations (
	id VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	"plan" VARCHAR NOT NULL, 
	created_at VARCHAR NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (name)
);
INSERT INTO "organizations" VALUES('org_01a1fd77a2a07d688e2211cda26706b5','ada','max','2026-11-21T09:37:18.496+00:00');
INSERT INTO "organizations" VALUES('org_01a1fd77a2bc764385dd8d85507b96fd','bob','free','2026-11-21T09:37:18.524+00:00');
CREATE TABLE owners (
	name VARCHAR NOT NULL, 
	alive_until DATETIME NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "owners" VALUES('own_nobody','2026-01-01 00:00:00.000000');
CREATE TABLE preferences (
	organization_id VARCHAR NOT NULL, 
	"key" VARCHAR NOT NULL, 
	value TEXT NOT NULL, 
	updated_at VARCHAR NOT NULL, 
	PRIMARY KEY (organization_id, "key")
);
INSERT INTO "preferences" VALUES('org_01a1fd77a2a07d688e2211cda26706b5','default_task','"code"','2026-11-21T09:37:19.888+00:00');
INSERT INTO "preferences" VALUES('org_01a1fd77a2a07d688e2211cda26706b5','excluded_providers','["größer"]','2026-11-21T09:37:19.892+00:00');
CREATE TABLE reservations (
	id VARCHAR NOT NULL, 
	organization_id VARCHAR NOT NULL, 
	amount_cents BIGINT NOT NULL, 
	request_id VARCHAR NOT NULL, 
	owner VARCHAR NOT NULL, 
	created_at VARCHAR NOT NULL, key_id VARCHAR, 
	PRIMARY KEY (id)
)
 WITHOUT ROWID

;
INSERT INTO "reservations" VALUES('res_01a1fd77a2e87d45a97100e43ca16e89','org_01a1fd77a2a07d688e2211cda26706b5',255999990,'(pool)','own_01a1fd77a27f7eae837c1ef9d8cbce34','2026-11-21T09:37:19.706+00:00',NULL);
INSERT INTO "reservations" VALUES('res_01a1fd77a84a76d3aeb7ad7e372f99f0','org_01a1fd77a2a07d688e2211cda26706b5',10000000000,'req_lost','own_01a1fd77a27f7eae837c1ef9d8cbce34','2026-11-21T09:37:19.946+00:00',NULL);
CREATE TABLE schema_version (
	version INTEGER NOT NULL
);
INSERT INTO "schema_version" VALUES(5);
CREATE INDEX ledger_by_account ON ledger (account, sequence);
CREATE INDEX idempotency_by_age ON idempotency (created_at);
CREATE INDEX activity_by_model ON activity (model, timestamp);
CREATE INDEX activity_by_organization ON activity (organization_id, timestamp);
CREATE INDEX failed_attempts_by_organization ON failed_attempts (organization_id, timestamp);
CREATE INDEX failed_attempts_by_model ON failed_attempts (model, timestamp);
CREATE INDEX feedback_by_organization ON feedback (organization_id, timestamp);
CREATE INDEX reservations_by_key ON reservations (key_id) WHERE key_id IS NOT NULL;
COMMIT;
