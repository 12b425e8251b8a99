"""One-time tokens that are reserved or used up."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

EXACT = {"mariadb_engine": "InnoDB", "mariadb_charset": "utf8mb4", "mariadb_collate": "utf8mb4_nopad_bin"}


def key(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "one_time_tokens",
        sa.Column("token", key(64), primary_key=True),
        sa.Column("holder", key(64), nullable=False),
        sa.Column("reserved_at", sa.BigInteger, nullable=False),
        sa.Column("began_at", sa.BigInteger),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        if_not_exists=True,
        **EXACT,
    )


def downgrade() -> None:
    op.drop_table("one_time_tokens", if_exists=True)
