"""The table of users."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

# Compared by its very characters: "C" is PostgreSQL's order of code points, nopad_bin is MariaDB's.
NAME = sa.String(190).with_variant(sa.String(190, collation="C"), "postgresql")
EXACT = {"mariadb_engine": "InnoDB", "mariadb_charset": "utf8mb4", "mariadb_collate": "utf8mb4_nopad_bin"}


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("name", NAME, primary_key=True),
        sa.Column("display", sa.String(190), nullable=False),
        sa.Column("hash", sa.String(512)),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        if_not_exists=True,  # MariaDB: killed between the table and the note of the revision
        **EXACT,
    )


def downgrade() -> None:
    op.drop_table("users", if_exists=True)
