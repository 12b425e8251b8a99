"""Keys of applications that may issue tokens."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"

EXACT = {"mariadb_engine": "InnoDB", "mariadb_charset": "utf8mb4", "mariadb_collate": "utf8mb4_nopad_bin"}


def key(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("prefix", key(16), primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("name", key(190), nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("last_used_at", sa.BigInteger),
        if_not_exists=True,
        **EXACT,
    )


def downgrade() -> None:
    op.drop_table("api_keys", if_exists=True)
