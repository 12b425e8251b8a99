"""What one process alone does."""

import sqlalchemy as sa
from alembic import op

revision = "0049"
down_revision = "0048"

EXACT = {"mariadb_engine": "InnoDB", "mariadb_charset": "utf8mb4", "mariadb_collate": "utf8mb4_nopad_bin"}


def key(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "duties",
        sa.Column("name", key(190), primary_key=True),
        sa.Column("holder", sa.String(64), nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        if_not_exists=True,
        **EXACT,
    )


def downgrade() -> None:
    op.drop_table("duties", if_exists=True)
