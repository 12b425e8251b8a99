"""Where in a run of records something is named."""

import sqlalchemy as sa
from alembic import op

revision = "0052"
down_revision = "0051"

EXACT = {"mariadb_engine": "InnoDB", "mariadb_charset": "utf8mb4", "mariadb_collate": "utf8mb4_nopad_bin"}


def upgrade() -> None:
    op.create_table(
        "record_terms",
        sa.Column("segment", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("term", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("blocks", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
        if_not_exists=True,
        **EXACT,
    )


def downgrade() -> None:
    op.drop_table("record_terms", if_exists=True)
