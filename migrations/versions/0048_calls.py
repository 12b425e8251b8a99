"""Calls."""

import sqlalchemy as sa
from alembic import op

revision = "0048"
down_revision = "0047"

EXACT = {"mariadb_engine": "InnoDB", "mariadb_charset": "utf8mb4", "mariadb_collate": "utf8mb4_nopad_bin"}


def key(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "calls",
        sa.Column("node", key(128), primary_key=True),
        sa.Column("session", key(255), primary_key=True),
        sa.Column("call", key(255), primary_key=True),
        sa.Column("app_key", sa.String(190), nullable=False),
        sa.Column("caller", sa.String(512), nullable=False),
        sa.Column("callee", sa.String(512), nullable=False),
        sa.Column("incoming", sa.Boolean),
        sa.Column("status", sa.String(190), nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.Column("over_at", sa.BigInteger),
        sa.Column("over_reason", sa.String(64)),
        if_not_exists=True,
        **EXACT,
    )
    op.create_index("calls_over_at", "calls", ["over_at"], if_not_exists=True)


def downgrade() -> None:
    op.drop_table("calls", if_exists=True)
