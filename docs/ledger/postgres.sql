-- The tables of the ledger, for an administrator who creates them (docs/operations.md).
-- The schema is that of the OA's tables: put the site's own, and the prefix if it is another.

CREATE TABLE "public"."punchbridge_origins" (origin bigint NOT NULL, source varchar(100), corp varchar(100), PRIMARY KEY (origin));

CREATE TABLE "public"."punchbridge_rows" (origin bigint NOT NULL, target smallint NOT NULL, record_id varchar(100) NOT NULL, row_id bigint NOT NULL, account varchar(64), person bigint NOT NULL, punched bigint NOT NULL, wrote bigint NOT NULL, sign_type smallint NOT NULL, sign_from varchar(50), place bigint NOT NULL, stored bigint NOT NULL, read_at bigint NOT NULL, absent_at bigint NOT NULL, absent_run varchar(64), moves bigint NOT NULL, run_id varchar(64), PRIMARY KEY (origin, target, record_id));

CREATE INDEX "punchbridge_rows_punched" ON "public"."punchbridge_rows" (origin, account, punched);

CREATE INDEX "punchbridge_rows_row_id" ON "public"."punchbridge_rows" (row_id);

CREATE INDEX "punchbridge_rows_run_id" ON "public"."punchbridge_rows" (run_id);

CREATE TABLE "public"."punchbridge_reads" (origin bigint NOT NULL, account varchar(64) NOT NULL, spans varchar(1000), PRIMARY KEY (origin, account));

CREATE TABLE "public"."punchbridge_changes" (id bigint NOT NULL, run_id varchar(64), step bigint NOT NULL, removed smallint NOT NULL, origin bigint NOT NULL, target smallint NOT NULL, record_id varchar(100), row_id bigint NOT NULL, account varchar(64), person bigint NOT NULL, punched bigint NOT NULL, wrote bigint NOT NULL, sign_type smallint NOT NULL, sign_from varchar(50), place bigint NOT NULL, stored bigint NOT NULL, read_at bigint NOT NULL, replaced smallint NOT NULL, longitude varchar(50), latitude varchar(50), address varchar(1000), remark varchar(1000), PRIMARY KEY (id));

CREATE INDEX "punchbridge_changes_run_id" ON "public"."punchbridge_changes" (run_id);

CREATE INDEX "punchbridge_changes_row_id" ON "public"."punchbridge_changes" (row_id);

CREATE TABLE "public"."punchbridge_version" (version bigint NOT NULL, PRIMARY KEY (version));

INSERT INTO "public"."punchbridge_version" (version) VALUES (1);
