"""Streams."""

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"

EXACT = {"mariadb_engine": "InnoDB", "mariadb_charset": "utf8mb4", "mariadb_collate": "utf8mb4_nopad_bin"}


def key(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "streams",
        sa.Column("node", key(128), primary_key=True),
        sa.Column("session", key(255), primary_key=True),
        sa.Column("media", key(255), primary_key=True),
        sa.Column("app_key", sa.String(190), nullable=False),
        sa.Column("name", key(512), nullable=False),
        sa.Column("published", sa.Boolean),
        sa.Column("status", sa.String(190), nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.Column("kept_at", sa.BigInteger),
        sa.Column("over_at", sa.BigInteger),
        sa.Column("over_reason", sa.String(64)),
        sa.Column("end_at", sa.BigInteger),
        sa.Column("end_reason", sa.String(64)),
        sa.Column("end_tries", sa.Integer, nullable=False, server_default="0"),
        sa.Column("end_next_at", sa.BigInteger),
        sa.Column("end_error", sa.String(512)),
        if_not_exists=True,
        **EXACT,
    )
    op.create_index("streams_name", "streams", ["name"], if_not_exists=True)
    op.create_index("streams_over_at", "streams", ["over_at"], if_not_exists=True)
    op.create_index("streams_end_next_at", "streams", ["end_next_at"], if_not_exists=True)


def downgrade() -> None:
    op.drop_table("streams", if_exists=True)
