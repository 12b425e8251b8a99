"""Wrong passwords, counted."""

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"

EXACT = {"mariadb_engine": "InnoDB", "mariadb_charset": "utf8mb4", "mariadb_collate": "utf8mb4_nopad_bin"}


def key(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "guesses",
        sa.Column("id", key(64), primary_key=True),
        sa.Column("entries", sa.Text, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        if_not_exists=True,
        **EXACT,
    )


def downgrade() -> None:
    op.drop_table("guesses", if_exists=True)
