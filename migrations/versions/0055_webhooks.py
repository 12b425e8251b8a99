"""How far each webhook has come."""

import sqlalchemy as sa
from alembic import op

revision = "0055"
down_revision = "0052"

EXACT = {"mariadb_engine": "InnoDB", "mariadb_charset": "utf8mb4", "mariadb_collate": "utf8mb4_nopad_bin"}


def key(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "webhooks",
        sa.Column("name", key(190), primary_key=True),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("delivered_at", sa.BigInteger),
        sa.Column("tried_at", sa.BigInteger),
        sa.Column("failures", sa.BigInteger, nullable=False),
        sa.Column("next_at", sa.BigInteger),
        sa.Column("error", sa.String(512), nullable=False),
        sa.Column("disabled_at", sa.BigInteger),
        if_not_exists=True,
        **EXACT,
    )


def downgrade() -> None:
    op.drop_table("webhooks", if_exists=True)
