"""Short keys for encoders and players."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"

EXACT = {"mariadb_engine": "InnoDB", "mariadb_charset": "utf8mb4", "mariadb_collate": "utf8mb4_nopad_bin"}


def key(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "stream_keys",
        sa.Column("prefix", key(16), primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("user_name", key(190), nullable=False),
        sa.Column("generation", sa.BigInteger),
        sa.Column("app_key", sa.String(190), nullable=False),
        sa.Column("action", sa.String(16), nullable=False),
        sa.Column("pattern", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("once", sa.Boolean, nullable=False),
        if_not_exists=True,
        **EXACT,
    )


def downgrade() -> None:
    op.drop_table("stream_keys", if_exists=True)
