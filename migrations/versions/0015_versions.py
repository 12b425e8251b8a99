"""How often what workers keep in memory was changed."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

EXACT = {"mariadb_engine": "InnoDB", "mariadb_charset": "utf8mb4", "mariadb_collate": "utf8mb4_nopad_bin"}


def key(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "versions",
        sa.Column("name", key(190), primary_key=True),
        sa.Column("number", sa.BigInteger, nullable=False),
        if_not_exists=True,
        **EXACT,
    )


def downgrade() -> None:
    op.drop_table("versions", if_exists=True)
