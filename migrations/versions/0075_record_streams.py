"""How far the trail was sent on to a stream of another system."""

import sqlalchemy as sa
from alembic import op

revision = "0075"
down_revision = "0070"

EXACT = {"mariadb_engine": "InnoDB", "mariadb_charset": "utf8mb4", "mariadb_collate": "utf8mb4_nopad_bin"}


def key(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "record_streams",
        sa.Column("name", key(190), primary_key=True),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("sent_at", sa.BigInteger),
        sa.Column("error", sa.String(512), nullable=False),
        sa.Column("failing_at", sa.BigInteger),
        sa.Column("strange_seq", sa.BigInteger),
        if_not_exists=True,
        **EXACT,
    )


def downgrade() -> None:
    op.drop_table("record_streams", if_exists=True)
