"""Other issuers' keys, as they were last fetched."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"

EXACT = {"mariadb_engine": "InnoDB", "mariadb_charset": "utf8mb4", "mariadb_collate": "utf8mb4_nopad_bin"}


def key(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "key_sets",
        sa.Column("id", key(64), primary_key=True),
        sa.Column("issuer", sa.String(1024), nullable=False),
        sa.Column("url", sa.String(1024), nullable=False),
        sa.Column("document", sa.Text),
        sa.Column("fetched_at", sa.BigInteger),
        sa.Column("tried_at", sa.BigInteger, nullable=False),
        sa.Column("fault", sa.String(512), nullable=False),
        if_not_exists=True,
        **EXACT,
    )


def downgrade() -> None:
    op.drop_table("key_sets", if_exists=True)
