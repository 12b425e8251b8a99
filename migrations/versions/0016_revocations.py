"""What is not valid any more, though it was signed."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

EXACT = {"mariadb_engine": "InnoDB", "mariadb_charset": "utf8mb4", "mariadb_collate": "utf8mb4_nopad_bin"}


def key(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "revocations",
        sa.Column("kind", key(16), primary_key=True),
        sa.Column("value", key(255), primary_key=True),
        sa.Column("before", sa.BigInteger),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("serial", sa.BigInteger, nullable=False),
        if_not_exists=True,
        **EXACT,
    )


def downgrade() -> None:
    op.drop_table("revocations", if_exists=True)
