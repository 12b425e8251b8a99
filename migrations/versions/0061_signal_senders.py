"""Who has sent something lately, and how much."""

import sqlalchemy as sa
from alembic import op

revision = "0061"
down_revision = "0060"

EXACT = {"mariadb_engine": "InnoDB", "mariadb_charset": "utf8mb4", "mariadb_collate": "utf8mb4_nopad_bin"}


def key(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "signal_senders",
        sa.Column("sender", key(40), primary_key=True),
        sa.Column("owed_at", sa.BigInteger, nullable=False),
        sa.Column("node", sa.String(128)),
        sa.Column("session", sa.String(255)),
        sa.Column("opened_at", sa.BigInteger),
        if_not_exists=True,
        **EXACT,
    )


def downgrade() -> None:
    op.drop_table("signal_senders", if_exists=True)
