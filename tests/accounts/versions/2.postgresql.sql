CREATE TABLE public.activity (
    sequence bigint NOT NULL,
    request_id character varying NOT NULL,
    organization_id character varying NOT NULL,
    "timestamp" character varying NOT NULL,
    endpoint character varying NOT NULL,
    task character varying,
    decision character varying,
    confidence character varying,
    complexity_tier character varying,
    model character varying,
    provider character varying,
    routing_reason text,
    fallback_chain text,
    status integer NOT NULL,
    prompt_tokens bigint NOT NULL,
    completion_tokens bigint NOT NULL,
    units text NOT NULL,
    cost_cents bigint NOT NULL,
    latency_ms character varying NOT NULL,
    cached boolean NOT NULL,
    optimization character varying,
    content_mode character varying
);
CREATE SEQUENCE public.activity_sequence_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.activity_sequence_seq OWNED BY public.activity.sequence;
CREATE TABLE public.balances (
    account character varying NOT NULL,
    amount_cents bigint NOT NULL
);
CREATE TABLE public.baselines (
    organization_id character varying NOT NULL,
    period character varying NOT NULL,
    cents bigint NOT NULL
);
CREATE TABLE public.deployment (
    name character varying NOT NULL,
    value character varying NOT NULL
);
CREATE TABLE public.failed_attempts (
    sequence bigint NOT NULL,
    request_id character varying NOT NULL,
    organization_id character varying NOT NULL,
    "timestamp" character varying NOT NULL,
    model character varying NOT NULL,
    provider character varying NOT NULL,
    status integer
);
CREATE SEQUENCE public.failed_attempts_sequence_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.failed_attempts_sequence_seq OWNED BY public.failed_attempts.sequence;
CREATE TABLE public.feedback (
    id character varying NOT NULL,
    organization_id character varying NOT NULL,
    "timestamp" character varying NOT NULL,
    prompt text NOT NULL,
    classified_task character varying,
    correct boolean NOT NULL,
    confidence character varying,
    suggested_task character varying
);
CREATE TABLE public.idempotency (
    organization_id character varying NOT NULL,
    key character varying NOT NULL,
    run character varying NOT NULL,
    request_id character varying NOT NULL,
    fingerprint bytea NOT NULL,
    owner character varying NOT NULL,
    charged_cents bigint NOT NULL,
    created_at character varying NOT NULL,
    status integer,
    headers text,
    body bytea
);
CREATE TABLE public.keys (
    id character varying NOT NULL,
    organization_id character varying NOT NULL,
    digest bytea NOT NULL,
    prefix character varying NOT NULL,
    test boolean NOT NULL,
    created_at character varying NOT NULL,
    revoked_at character varying,
    scopes character varying DEFAULT 'inference read admin'::character varying NOT NULL,
    expires_at character varying,
    last_used_at character varying,
    limits text
);
CREATE TABLE public.ledger (
    sequence bigint NOT NULL,
    transaction_id character varying NOT NULL,
    kind character varying NOT NULL,
    account character varying NOT NULL,
    amount_cents bigint NOT NULL,
    request_id character varying,
    created_at character varying NOT NULL
);
CREATE SEQUENCE public.ledger_sequence_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.ledger_sequence_seq OWNED BY public.ledger.sequence;
CREATE TABLE public.meters (
    name character varying NOT NULL,
    state text NOT NULL
);
CREATE TABLE public.orders (
    id character varying NOT NULL,
    organization_id character varying NOT NULL,
    paid_cents bigint NOT NULL,
    refunded_cents bigint NOT NULL,
    created_at character varying NOT NULL
);
CREATE TABLE public.organizations (
    id character varying NOT NULL,
    name character varying NOT NULL,
    plan character varying NOT NULL,
    created_at character varying NOT NULL
);
CREATE TABLE public.owners (
    name character varying NOT NULL,
    alive_until timestamp with time zone NOT NULL
);
CREATE TABLE public.preferences (
    organization_id character varying NOT NULL,
    key character varying NOT NULL,
    value text NOT NULL,
    updated_at character varying NOT NULL
);
CREATE TABLE public.reservations (
    id character varying NOT NULL,
    organization_id character varying NOT NULL,
    amount_cents bigint NOT NULL,
    request_id character varying NOT NULL,
    owner character varying NOT NULL,
    created_at character varying NOT NULL
);
CREATE TABLE public.schema_version (
    version integer NOT NULL
);
ALTER TABLE ONLY public.activity ALTER COLUMN sequence SET DEFAULT nextval('public.activity_sequence_seq'::regclass);
ALTER TABLE ONLY public.failed_attempts ALTER COLUMN sequence SET DEFAULT nextval('public.failed_attempts_sequence_seq'::regclass);
ALTER TABLE ONLY public.ledger ALTER COLUMN sequence SET DEFAULT nextval('public.ledger_sequence_seq'::regclass);
INSERT INTO public.activity VALUES (1, 'req_1', 'org_01a1fd78bf2f7ea49d4b6e16d6233326', '2026-01-01T00:00:01.000+00:00', '/v1/auto/route', 'text', 'regex', '0.9500', 'SIMPLE', 'lab/small', 'lab', 'why not', 'lab/small lab/large', 200, 12, 34, '', 50000000, '6.70', false, NULL, NULL);
INSERT INTO public.activity VALUES (2, 'req_cheap_0', 'org_01a1fd78bf2f7ea49d4b6e16d6233326', '2026-01-01T00:00:01.000+00:00', '/v1/auto/route', 'text', 'regex', '0.9500', 'SIMPLE', 'lab/small', 'lab', 'why not', 'lab/small lab/large', 200, 12, 34, '', 5, '6.70', false, 'balanced', 'new');
INSERT INTO public.activity VALUES (3, 'req_cheap_1', 'org_01a1fd78bf2f7ea49d4b6e16d6233326', '2026-01-01T00:00:01.000+00:00', '/v1/auto/route', 'text', 'regex', '0.9500', 'SIMPLE', 'lab/small', 'lab', 'why not', 'lab/small lab/large', 200, 12, 34, '', 5, '6.70', false, 'balanced', 'new');
INSERT INTO public.activity VALUES (4, 'req_cheap_2', 'org_01a1fd78bf2f7ea49d4b6e16d6233326', '2026-01-01T00:00:01.000+00:00', '/v1/auto/route', 'text', 'regex', '0.9500', 'SIMPLE', 'lab/small', 'lab', 'why not', 'lab/small lab/large', 200, 12, 34, '', 5, '6.70', false, 'balanced', 'new');
INSERT INTO public.activity VALUES (5, 'req_kept', 'org_01a1fd78bf2f7ea49d4b6e16d6233326', '2026-01-01T00:00:01.000+00:00', '/v1/auto/route', 'text', 'regex', '0.9500', 'SIMPLE', 'lab/small', 'lab', 'why not', 'lab/small lab/large', 200, 12, 34, '', 300000000, '6.70', false, 'balanced', 'new');
INSERT INTO public.activity VALUES (6, 'req_last', 'org_01a1fd78bf2f7ea49d4b6e16d6233326', '2026-01-01T00:00:01.000+00:00', '/v1/auto/route', 'text', 'regex', '0.9500', 'SIMPLE', 'lab/small', 'lab', 'why not', 'lab/small lab/large', 200, 12, 34, '', 0, '6.70', false, 'balanced', 'new');
INSERT INTO public.balances VALUES ('owed:org_01a1fd78bf2f7ea49d4b6e16d6233326', 0);
INSERT INTO public.balances VALUES ('promotions', -100300000005);
INSERT INTO public.balances VALUES ('held:org_01a1fd78bf547adbad5dc87d49adf141', 0);
INSERT INTO public.balances VALUES ('cash', 0);
INSERT INTO public.balances VALUES ('owed:org_01a1fd78bf547adbad5dc87d49adf141', -1200000000);
INSERT INTO public.balances VALUES ('wallet:org_01a1fd78bf547adbad5dc87d49adf141', 0);
INSERT INTO public.balances VALUES ('revenue', 2550000015);
INSERT INTO public.balances VALUES ('held:org_01a1fd78bf2f7ea49d4b6e16d6233326', 10255999990);
INSERT INTO public.balances VALUES ('wallet:org_01a1fd78bf2f7ea49d4b6e16d6233326', 88694000000);
INSERT INTO public.baselines VALUES ('org_01a1fd78bf2f7ea49d4b6e16d6233326', '2026-11-21', 100000000005);
INSERT INTO public.deployment VALUES ('secret', 'c28ab6352d3ef5111252b00b838be30653c80163570d413ae507f4698cc012aa');
INSERT INTO public.failed_attempts VALUES (1, 'req_1', 'org_01a1fd78bf2f7ea49d4b6e16d6233326', '2026-11-21T09:38:32.698+00:00', 'lab/large', 'lab', 503);
INSERT INTO public.feedback VALUES ('fb_01a1fd78c4847189aa9503046e30c7c5', 'org_01a1fd78bf2f7ea49d4b6e16d6233326', '2026-11-21T09:38:32.708+00:00', 'a prompt', 'text', false, '0.5', 'code');
INSERT INTO public.idempotency VALUES ('org_01a1fd78bf2f7ea49d4b6e16d6233326', '40cde16b0b037f96bc3953ca6d84fd68b3547ea372ac0cfc20e4904ba81be3ec', 'run_01a1fd78c49f75fca38a443be6e0d981', 'req_kept', '\x9cee01af6771dc5186d13a65fa45bccd669737be5bbfe85421328ae5e27d095c', 'own_01a1fd78bef47a54a5631eba03904755', 300000000, '2099-01-01T00:00:00.000+00:00', 200, '[["content-type","application/json"]]', '\xff0bdd0d7b37288dbe8f19378696a069e28b8136730b15f35f3d3712be89583e636239231d73ce4802f89a6c3526c7c02d6f');
INSERT INTO public.idempotency VALUES ('org_01a1fd78bf2f7ea49d4b6e16d6233326', '635fbd8ff435ff8f57773af603f140c7c9252bd03938dd8303ce7d6dea1e9827', 'run_01a1fd78c4ac748fbb767c35bd041942', 'req_off', '\x9cee01af6771dc5186d13a65fa45bccd669737be5bbfe85421328ae5e27d095c', 'own_01a1fd78bef47a54a5631eba03904755', 700000000, '2099-01-01T00:00:00.000+00:00', NULL, NULL, NULL);
INSERT INTO public.keys VALUES ('key_01a1fd78bf4f7d849ec632764eacc3eb', 'org_01a1fd78bf2f7ea49d4b6e16d6233326', '\x5870401b0f6ed752ea553b2a338616d0a74a1d3547b54c4797cb2a2d04cff659', 'pk_test_abcdefghj', true, '2026-11-21T09:38:31.375+00:00', NULL, 'inference read admin', NULL, NULL, NULL);
INSERT INTO public.keys VALUES ('key_01a1fd78bf3973d4b84053affd3710ff', 'org_01a1fd78bf2f7ea49d4b6e16d6233326', '\xf842b321ef5510a74a994b71f6998fda89523ea34fe8ceaf26d4c57e0dbb463a', 'pk_live_abcdefghi', false, '2026-11-21T09:38:31.353+00:00', NULL, 'inference read admin', NULL, '2026-11-21T09:38:31.396+00:00', NULL);
INSERT INTO public.keys VALUES ('key_01a1fd78bf5677568e1fa7309836f22f', 'org_01a1fd78bf547adbad5dc87d49adf141', '\xb98d667ca1adb92c18a4fc2f7a8b9dd6cb8f06be5e033f0e4d5a73842131b27d', 'pk_live_abcdefghk', false, '2026-11-21T09:38:31.382+00:00', '2026-11-21T09:38:33.071+00:00', 'inference read admin', NULL, '2026-11-21T09:38:31.397+00:00', NULL);
INSERT INTO public.ledger VALUES (1, 'txn_01a1fd78bf5b7cc19c010e77f78d53b4', 'grant', 'promotions', -100000000005, NULL, '2026-11-21T09:38:31.388+00:00');
INSERT INTO public.ledger VALUES (2, 'txn_01a1fd78bf5b7cc19c010e77f78d53b4', 'grant', 'wallet:org_01a1fd78bf2f7ea49d4b6e16d6233326', 100000000005, NULL, '2026-11-21T09:38:31.388+00:00');
INSERT INTO public.ledger VALUES (3, 'txn_01a1fd78bf5f70f192e096bf70684d72', 'grant', 'promotions', -300000000, NULL, '2026-11-21T09:38:31.391+00:00');
INSERT INTO public.ledger VALUES (4, 'txn_01a1fd78bf5f70f192e096bf70684d72', 'grant', 'wallet:org_01a1fd78bf547adbad5dc87d49adf141', 300000000, NULL, '2026-11-21T09:38:31.391+00:00');
INSERT INTO public.ledger VALUES (5, 'res_01a1fd78bf657c79a141241821f15a99', 'reserve', 'wallet:org_01a1fd78bf2f7ea49d4b6e16d6233326', -200000000, 'req_1', '2026-11-21T09:38:31.402+00:00');
INSERT INTO public.ledger VALUES (6, 'res_01a1fd78bf657c79a141241821f15a99', 'reserve', 'held:org_01a1fd78bf2f7ea49d4b6e16d6233326', 200000000, 'req_1', '2026-11-21T09:38:31.402+00:00');
INSERT INTO public.ledger VALUES (7, 'txn_01a1fd78bf6a7f3abff150bf2f172d25', 'settle', 'held:org_01a1fd78bf2f7ea49d4b6e16d6233326', -200000000, 'req_1', '2026-11-21T09:38:31.405+00:00');
INSERT INTO public.ledger VALUES (8, 'txn_01a1fd78bf6a7f3abff150bf2f172d25', 'settle', 'revenue', 50000000, 'req_1', '2026-11-21T09:38:31.405+00:00');
INSERT INTO public.ledger VALUES (9, 'txn_01a1fd78bf6a7f3abff150bf2f172d25', 'settle', 'wallet:org_01a1fd78bf2f7ea49d4b6e16d6233326', 150000000, 'req_1', '2026-11-21T09:38:31.405+00:00');
INSERT INTO public.ledger VALUES (10, 'res_01a1fd78bf6e794db76cceea46dfaf80', 'reserve', 'wallet:org_01a1fd78bf2f7ea49d4b6e16d6233326', -100000000, 'req_2', '2026-11-21T09:38:31.407+00:00');
INSERT INTO public.ledger VALUES (11, 'res_01a1fd78bf6e794db76cceea46dfaf80', 'reserve', 'held:org_01a1fd78bf2f7ea49d4b6e16d6233326', 100000000, 'req_2', '2026-11-21T09:38:31.407+00:00');
INSERT INTO public.ledger VALUES (12, 'txn_01a1fd78bf70742aa7d26d3e4ed85552', 'release', 'held:org_01a1fd78bf2f7ea49d4b6e16d6233326', -100000000, 'req_2', '2026-11-21T09:38:31.412+00:00');
INSERT INTO public.ledger VALUES (13, 'txn_01a1fd78bf70742aa7d26d3e4ed85552', 'release', 'wallet:org_01a1fd78bf2f7ea49d4b6e16d6233326', 100000000, 'req_2', '2026-11-21T09:38:31.412+00:00');
INSERT INTO public.ledger VALUES (14, 'res_01a1fd78c3bd7ac5943272ef75e8a4b3', 'reserve', 'wallet:org_01a1fd78bf2f7ea49d4b6e16d6233326', -1000000, 'req_cheap_0', '2026-11-21T09:38:32.511+00:00');
INSERT INTO public.ledger VALUES (15, 'res_01a1fd78c3bd7ac5943272ef75e8a4b3', 'reserve', 'held:org_01a1fd78bf2f7ea49d4b6e16d6233326', 1000000, 'req_cheap_0', '2026-11-21T09:38:32.511+00:00');
INSERT INTO public.ledger VALUES (16, 'txn_01a1fd78c3bd79e9956b7a6859ef7854', 'fund', 'wallet:org_01a1fd78bf2f7ea49d4b6e16d6233326', -256000000, '(pool)', '2026-11-21T09:38:32.511+00:00');
INSERT INTO public.ledger VALUES (17, 'txn_01a1fd78c3bd79e9956b7a6859ef7854', 'fund', 'held:org_01a1fd78bf2f7ea49d4b6e16d6233326', 256000000, '(pool)', '2026-11-21T09:38:32.511+00:00');
INSERT INTO public.ledger VALUES (18, 'txn_01a1fd78c3c17841ab5e5d6764685492', 'settle', 'held:org_01a1fd78bf2f7ea49d4b6e16d6233326', -1000000, 'req_cheap_0', '2026-11-21T09:38:32.516+00:00');
INSERT INTO public.ledger VALUES (19, 'txn_01a1fd78c3c17841ab5e5d6764685492', 'settle', 'revenue', 5, 'req_cheap_0', '2026-11-21T09:38:32.516+00:00');
INSERT INTO public.ledger VALUES (20, 'txn_01a1fd78c3c17841ab5e5d6764685492', 'settle', 'wallet:org_01a1fd78bf2f7ea49d4b6e16d6233326', 999995, 'req_cheap_0', '2026-11-21T09:38:32.516+00:00');
INSERT INTO public.ledger VALUES (21, 'txn_01a1fd78c3fc71e88d6e298972a95416', 'charge', 'held:org_01a1fd78bf2f7ea49d4b6e16d6233326', -5, 'req_cheap_1', '2026-11-21T09:38:32.584+00:00');
INSERT INTO public.ledger VALUES (22, 'txn_01a1fd78c3fc71e88d6e298972a95416', 'charge', 'revenue', 5, 'req_cheap_1', '2026-11-21T09:38:32.584+00:00');
INSERT INTO public.ledger VALUES (23, 'txn_01a1fd78c4447220ae6713488bc173f5', 'charge', 'held:org_01a1fd78bf2f7ea49d4b6e16d6233326', -5, 'req_cheap_2', '2026-11-21T09:38:32.645+00:00');
INSERT INTO public.ledger VALUES (24, 'txn_01a1fd78c4447220ae6713488bc173f5', 'charge', 'revenue', 5, 'req_cheap_2', '2026-11-21T09:38:32.645+00:00');
INSERT INTO public.ledger VALUES (25, 'txn_01a1fd78c490765c8deb249ec3b7011d', 'top_up', 'cash', -2000000000, 'order:order_1', '2026-11-21T09:38:32.720+00:00');
INSERT INTO public.ledger VALUES (26, 'txn_01a1fd78c490765c8deb249ec3b7011d', 'top_up', 'wallet:org_01a1fd78bf547adbad5dc87d49adf141', 2000000000, 'order:order_1', '2026-11-21T09:38:32.720+00:00');
INSERT INTO public.ledger VALUES (27, 'res_01a1fd78c4917c82b27a18ec698b923a', 'reserve', 'wallet:org_01a1fd78bf547adbad5dc87d49adf141', -1500000000, 'req_bob', '2026-11-21T09:38:32.724+00:00');
INSERT INTO public.ledger VALUES (28, 'res_01a1fd78c4917c82b27a18ec698b923a', 'reserve', 'held:org_01a1fd78bf547adbad5dc87d49adf141', 1500000000, 'req_bob', '2026-11-21T09:38:32.724+00:00');
INSERT INTO public.ledger VALUES (29, 'txn_01a1fd78c495747e855addfd51f6021a', 'settle', 'held:org_01a1fd78bf547adbad5dc87d49adf141', -1500000000, 'req_bob', '2026-11-21T09:38:32.731+00:00');
INSERT INTO public.ledger VALUES (30, 'txn_01a1fd78c495747e855addfd51f6021a', 'settle', 'revenue', 1500000000, 'req_bob', '2026-11-21T09:38:32.731+00:00');
INSERT INTO public.ledger VALUES (31, 'txn_01a1fd78c49d7ecbaba67a6894325f28', 'refund', 'wallet:org_01a1fd78bf547adbad5dc87d49adf141', -800000000, 'order:order_1', '2026-11-21T09:38:32.734+00:00');
INSERT INTO public.ledger VALUES (32, 'txn_01a1fd78c49d7ecbaba67a6894325f28', 'refund', 'owed:org_01a1fd78bf547adbad5dc87d49adf141', -1200000000, 'order:order_1', '2026-11-21T09:38:32.734+00:00');
INSERT INTO public.ledger VALUES (33, 'txn_01a1fd78c49d7ecbaba67a6894325f28', 'refund', 'cash', 2000000000, 'order:order_1', '2026-11-21T09:38:32.734+00:00');
INSERT INTO public.ledger VALUES (34, 'res_01a1fd78c4a3738a9611c0255bf3624b', 'reserve', 'wallet:org_01a1fd78bf2f7ea49d4b6e16d6233326', -300000000, 'req_kept', '2026-11-21T09:38:32.741+00:00');
INSERT INTO public.ledger VALUES (35, 'res_01a1fd78c4a3738a9611c0255bf3624b', 'reserve', 'held:org_01a1fd78bf2f7ea49d4b6e16d6233326', 300000000, 'req_kept', '2026-11-21T09:38:32.741+00:00');
INSERT INTO public.ledger VALUES (36, 'txn_01a1fd78c4a57e4ab8363ea3f2822526', 'settle', 'held:org_01a1fd78bf2f7ea49d4b6e16d6233326', -300000000, 'req_kept', '2026-11-21T09:38:32.743+00:00');
INSERT INTO public.ledger VALUES (37, 'txn_01a1fd78c4a57e4ab8363ea3f2822526', 'settle', 'revenue', 300000000, 'req_kept', '2026-11-21T09:38:32.743+00:00');
INSERT INTO public.ledger VALUES (38, 'res_01a1fd78c4af7d86a4c055757064bd24', 'reserve', 'wallet:org_01a1fd78bf2f7ea49d4b6e16d6233326', -700000000, 'req_off', '2026-11-21T09:38:32.753+00:00');
INSERT INTO public.ledger VALUES (39, 'res_01a1fd78c4af7d86a4c055757064bd24', 'reserve', 'held:org_01a1fd78bf2f7ea49d4b6e16d6233326', 700000000, 'req_off', '2026-11-21T09:38:32.753+00:00');
INSERT INTO public.ledger VALUES (40, 'txn_01a1fd78c4b4790ab4c58faeea1ce935', 'settle', 'held:org_01a1fd78bf2f7ea49d4b6e16d6233326', -700000000, 'req_off', '2026-11-21T09:38:32.757+00:00');
INSERT INTO public.ledger VALUES (41, 'txn_01a1fd78c4b4790ab4c58faeea1ce935', 'settle', 'revenue', 700000000, 'req_off', '2026-11-21T09:38:32.757+00:00');
INSERT INTO public.ledger VALUES (42, 'res_01a1fd78c4bc7c9e9665a17ad29dfe36', 'reserve', 'wallet:org_01a1fd78bf2f7ea49d4b6e16d6233326', -10000000000, 'req_lost', '2026-11-21T09:38:32.768+00:00');
INSERT INTO public.ledger VALUES (43, 'res_01a1fd78c4bc7c9e9665a17ad29dfe36', 'reserve', 'held:org_01a1fd78bf2f7ea49d4b6e16d6233326', 10000000000, 'req_lost', '2026-11-21T09:38:32.768+00:00');
INSERT INTO public.meters VALUES ('org:org_01a1fd78bf2f7ea49d4b6e16d6233326', '[[[1795253912,1]],[],{"own_01a1fd78bef47a54a5631eba03904755":1}]');
INSERT INTO public.orders VALUES ('order_1', 'org_01a1fd78bf547adbad5dc87d49adf141', 2000000000, 2000000000, '2026-11-21T09:38:32.710+00:00');
INSERT INTO public.organizations VALUES ('org_01a1fd78bf2f7ea49d4b6e16d6233326', 'ada', 'max', '2026-11-21T09:38:31.343+00:00');
INSERT INTO public.organizations VALUES ('org_01a1fd78bf547adbad5dc87d49adf141', 'bob', 'free', '2026-11-21T09:38:31.380+00:00');
INSERT INTO public.owners VALUES ('own_01a1fd78bef47a54a5631eba03904755', '2026-01-01 00:00:00+00');
INSERT INTO public.preferences VALUES ('org_01a1fd78bf2f7ea49d4b6e16d6233326', 'default_task', '"code"', '2026-11-21T09:38:32.701+00:00');
INSERT INTO public.preferences VALUES ('org_01a1fd78bf2f7ea49d4b6e16d6233326', 'excluded_providers', '["größer"]', '2026-11-21T09:38:32.703+00:00');
INSERT INTO public.reservations VALUES ('res_01a1fd78bf65798da1d08633fbf16648', 'org_01a1fd78bf2f7ea49d4b6e16d6233326', 255999990, '(pool)', 'own_01a1fd78bef47a54a5631eba03904755', '2026-11-21T09:38:32.511+00:00');
INSERT INTO public.reservations VALUES ('res_01a1fd78c4bc7c9e9665a17ad29dfe36', 'org_01a1fd78bf2f7ea49d4b6e16d6233326', 10000000000, 'req_lost', 'own_01a1fd78bef47a54a5631eba03904755', '2026-11-21T09:38:32.768+00:00');
INSERT INTO public.schema_version VALUES (2);
SELECT pg_catalog.setval('public.activity_sequence_seq', 6, true);
SELECT pg_catalog.setval('public.failed_attempts_sequence_seq', 1, true);
SELECT pg_catalog.setval('public.ledger_sequence_seq', 43, true);
ALTER TABLE ONLY public.activity
    ADD CONSTRAINT activity_pkey PRIMARY KEY (sequence);
ALTER TABLE ONLY public.balances
    ADD CONSTRAINT balances_pkey PRIMARY KEY (account);
ALTER TABLE ONLY public.baselines
    ADD CONSTRAINT baselines_pkey PRIMARY KEY (organization_id, period);
ALTER TABLE ONLY public.deployment
    ADD CONSTRAINT deployment_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.failed_attempts
    ADD CONSTRAINT failed_attempts_pkey PRIMARY KEY (sequence);
ALTER TABLE ONLY public.feedback
    ADD CONSTRAINT feedback_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.idempotency
    ADD CONSTRAINT idempotency_pkey PRIMARY KEY (organization_id, key);
ALTER TABLE ONLY public.keys
    ADD CONSTRAINT keys_digest_key UNIQUE (digest);
ALTER TABLE ONLY public.keys
    ADD CONSTRAINT keys_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.ledger
    ADD CONSTRAINT ledger_pkey PRIMARY KEY (sequence);
ALTER TABLE ONLY public.meters
    ADD CONSTRAINT meters_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.orders
    ADD CONSTRAINT orders_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.organizations
    ADD CONSTRAINT organizations_name_key UNIQUE (name);
ALTER TABLE ONLY public.organizations
    ADD CONSTRAINT organizations_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.owners
    ADD CONSTRAINT owners_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.preferences
    ADD CONSTRAINT preferences_pkey PRIMARY KEY (organization_id, key);
ALTER TABLE ONLY public.reservations
    ADD CONSTRAINT reservations_pkey PRIMARY KEY (id);
CREATE INDEX activity_by_model ON public.activity USING btree (model, "timestamp");
CREATE INDEX activity_by_organization ON public.activity USING btree (organization_id, "timestamp");
CREATE INDEX failed_attempts_by_model ON public.failed_attempts USING btree (model, "timestamp");
CREATE INDEX failed_attempts_by_organization ON public.failed_attempts USING btree (organization_id, "timestamp");
CREATE INDEX feedback_by_organization ON public.feedback USING btree (organization_id, "timestamp");
CREATE INDEX idempotency_by_age ON public.idempotency USING btree (created_at);
CREATE INDEX ledger_by_account ON public.ledger USING btree (account, sequence);
ALTER TABLE ONLY public.keys
    ADD CONSTRAINT keys_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES public.organizations(id);
