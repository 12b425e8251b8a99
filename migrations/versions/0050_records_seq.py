"""The records are numbered in the order in which they are written."""

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0049"

ID = sa.String(26).with_variant(sa.String(26, collation="C"), "postgresql")
KEPT = "id, at, node, session, app_key, method, user_name, allowed, reason, rule, status, subject, facts"


def upgrade() -> None:
    # Looked for first: MariaDB commits it at once, and may be killed before the note of the revision.
    if "seq" in [column["name"] for column in sa.inspect(op.get_bind()).get_columns("records")]:
        return
    match op.get_bind().dialect.name:
        case "sqlite":
            _copied([sa.Column("id", ID, nullable=False)], [sa.Column("seq", sa.Integer, primary_key=True)])
            op.create_index("records_id", "records", ["id"], unique=True)
        case "postgresql":
            # One pass over the table; it numbers rows as they lie there, which is how they were written.
            op.execute("ALTER TABLE records DROP CONSTRAINT records_pkey, ADD COLUMN seq BIGSERIAL PRIMARY KEY")
            op.create_index("records_id", "records", ["id"], unique=True)
        case _:
            op.execute(
                "ALTER TABLE records DROP PRIMARY KEY, ADD COLUMN seq BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,"
                " ADD UNIQUE INDEX records_id (id)"
            )


def downgrade() -> None:
    if "seq" not in [column["name"] for column in sa.inspect(op.get_bind()).get_columns("records")]:
        return
    match op.get_bind().dialect.name:
        case "sqlite":
            op.drop_index("records_id", "records")
            _copied([sa.Column("id", ID, primary_key=True)], [])
        case "postgresql":
            op.drop_index("records_id", "records")
            op.execute("ALTER TABLE records DROP COLUMN seq, ADD PRIMARY KEY (id)")
        case _:
            op.execute(
                "ALTER TABLE records DROP PRIMARY KEY, DROP COLUMN seq, DROP INDEX records_id, ADD PRIMARY KEY (id)"
            )


def _copied(first: list[sa.Column], last: list[sa.Column]) -> None:
    """Put a table with these columns, and those between them, in place of SQLite's, which cannot change a key."""
    op.create_table(
        "records_new",
        *first,
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("node", sa.String(128), nullable=False),
        sa.Column("session", sa.String(255), nullable=False),
        sa.Column("app_key", sa.String(190), nullable=False),
        sa.Column("method", sa.String(64), nullable=False),
        sa.Column("user_name", sa.String(190)),
        sa.Column("allowed", sa.Boolean, nullable=False),
        sa.Column("reason", sa.String(64), nullable=False),
        sa.Column("rule", sa.String(190), nullable=False),
        sa.Column("status", sa.String(190), nullable=False),
        sa.Column("subject", sa.String(512), nullable=False),
        sa.Column("facts", sa.Text),
        *last,
        sqlite_autoincrement=bool(last),
    )
    op.execute(f"INSERT INTO records_new ({KEPT}) SELECT {KEPT} FROM records ORDER BY rowid")  # noqa: S608 - our own words
    op.drop_table("records")
    op.rename_table("records_new", "records")
