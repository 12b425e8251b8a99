"""Our own signing keys."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"

EXACT = {"mariadb_engine": "InnoDB", "mariadb_charset": "utf8mb4", "mariadb_collate": "utf8mb4_nopad_bin"}


def key(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "signing_keys",
        sa.Column("id", key(64), primary_key=True),
        sa.Column("algorithm", sa.String(16), nullable=False),
        sa.Column("public", sa.Text),
        sa.Column("sealed", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("signs_from", sa.BigInteger),
        sa.Column("retired_at", sa.BigInteger),
        sa.Column("verifies_until", sa.BigInteger),
        if_not_exists=True,
        **EXACT,
    )


def downgrade() -> None:
    op.drop_table("signing_keys", if_exists=True)
