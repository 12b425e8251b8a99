"""Secrets that all processes share."""

import sqlalchemy as sa
from alembic import op

revision = "0063"
down_revision = "0062"

EXACT = {"mariadb_engine": "InnoDB", "mariadb_charset": "utf8mb4", "mariadb_collate": "utf8mb4_nopad_bin"}


def key(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "shared_secrets",
        sa.Column("name", key(190), primary_key=True),
        sa.Column("secret", sa.String(64), nullable=False),
        if_not_exists=True,
        **EXACT,
    )


def downgrade() -> None:
    op.drop_table("shared_secrets", if_exists=True)
