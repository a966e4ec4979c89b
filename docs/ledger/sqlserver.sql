-- The tables of the ledger, for an administrator who creates them (docs/operations.md).
-- The schema is that of the OA's tables: put the site's own, and the prefix if it is another.

CREATE TABLE [dbo].[punchbridge_origins] (origin BIGINT NOT NULL, source NVARCHAR(100) COLLATE Latin1_General_BIN2, corp NVARCHAR(100) COLLATE Latin1_General_BIN2, PRIMARY KEY (origin));

CREATE TABLE [dbo].[punchbridge_rows] (origin BIGINT NOT NULL, target SMALLINT NOT NULL, record_id NVARCHAR(100) COLLATE Latin1_General_BIN2 NOT NULL, row_id BIGINT NOT NULL, account NVARCHAR(64) COLLATE Latin1_General_BIN2, person BIGINT NOT NULL, punched BIGINT NOT NULL, wrote BIGINT NOT NULL, sign_type SMALLINT NOT NULL, sign_from NVARCHAR(50) COLLATE Latin1_General_BIN2, place BIGINT NOT NULL, stored BIGINT NOT NULL, read_at BIGINT NOT NULL, absent_at BIGINT NOT NULL, absent_run NVARCHAR(64) COLLATE Latin1_General_BIN2, moves BIGINT NOT NULL, run_id NVARCHAR(64) COLLATE Latin1_General_BIN2, PRIMARY KEY (origin, target, record_id));

CREATE INDEX [punchbridge_rows_punched] ON [dbo].[punchbridge_rows] (origin, account, punched);

CREATE INDEX [punchbridge_rows_row_id] ON [dbo].[punchbridge_rows] (row_id);

CREATE INDEX [punchbridge_rows_run_id] ON [dbo].[punchbridge_rows] (run_id);

CREATE TABLE [dbo].[punchbridge_reads] (origin BIGINT NOT NULL, account NVARCHAR(64) COLLATE Latin1_General_BIN2 NOT NULL, spans NVARCHAR(1000) COLLATE Latin1_General_BIN2, PRIMARY KEY (origin, account));

CREATE TABLE [dbo].[punchbridge_changes] (id BIGINT NOT NULL, run_id NVARCHAR(64) COLLATE Latin1_General_BIN2, step BIGINT NOT NULL, removed SMALLINT NOT NULL, origin BIGINT NOT NULL, target SMALLINT NOT NULL, record_id NVARCHAR(100) COLLATE Latin1_General_BIN2, row_id BIGINT NOT NULL, account NVARCHAR(64) COLLATE Latin1_General_BIN2, person BIGINT NOT NULL, punched BIGINT NOT NULL, wrote BIGINT NOT NULL, sign_type SMALLINT NOT NULL, sign_from NVARCHAR(50) COLLATE Latin1_General_BIN2, place BIGINT NOT NULL, stored BIGINT NOT NULL, read_at BIGINT NOT NULL, replaced SMALLINT NOT NULL, longitude NVARCHAR(50) COLLATE Latin1_General_BIN2, latitude NVARCHAR(50) COLLATE Latin1_General_BIN2, address NVARCHAR(1000) COLLATE Latin1_General_BIN2, remark NVARCHAR(1000) COLLATE Latin1_General_BIN2, PRIMARY KEY (id));

CREATE INDEX [punchbridge_changes_run_id] ON [dbo].[punchbridge_changes] (run_id);

CREATE INDEX [punchbridge_changes_row_id] ON [dbo].[punchbridge_changes] (row_id);

CREATE TABLE [dbo].[punchbridge_version] (version BIGINT NOT NULL, PRIMARY KEY (version));

INSERT INTO [dbo].[punchbridge_version] (version) VALUES (1);
