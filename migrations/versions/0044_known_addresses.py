"""The addresses from which users have logged in."""

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"

EXACT = {"mariadb_engine": "InnoDB", "mariadb_charset": "utf8mb4", "mariadb_collate": "utf8mb4_nopad_bin"}


def key(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "known_addresses",
        sa.Column("user_name", key(190), primary_key=True),
        sa.Column("address", key(64), primary_key=True),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        if_not_exists=True,
        **EXACT,
    )


def downgrade() -> None:
    op.drop_table("known_addresses", if_exists=True)
