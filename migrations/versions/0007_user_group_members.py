"""The table of who is in which group."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

EXACT = {"mariadb_engine": "InnoDB", "mariadb_charset": "utf8mb4", "mariadb_collate": "utf8mb4_nopad_bin"}


def key(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "user_group_members",
        sa.Column("user_name", key(190), primary_key=True),
        sa.Column("group_name", key(190), primary_key=True),
        if_not_exists=True,
        **EXACT,
    )


def downgrade() -> None:
    op.drop_table("user_group_members", if_exists=True)
