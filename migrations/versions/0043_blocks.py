"""Bans, and locks after wrong passwords."""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"

EXACT = {"mariadb_engine": "InnoDB", "mariadb_charset": "utf8mb4", "mariadb_collate": "utf8mb4_nopad_bin"}


def key(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "blocks",
        sa.Column("kind", key(8), primary_key=True),
        sa.Column("user_name", key(190), primary_key=True),
        sa.Column("address", key(64), primary_key=True),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("strikes", sa.BigInteger, nullable=False),
        sa.Column("note", sa.String(190), nullable=False),
        sa.Column("serial", sa.BigInteger, nullable=False),
        if_not_exists=True,
        **EXACT,
    )


def downgrade() -> None:
    op.drop_table("blocks", if_exists=True)
