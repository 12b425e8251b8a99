"""Rows to be locked by whoever adds to what is limited."""

import sqlalchemy as sa
from alembic import op

revision = "0068"
down_revision = "0067"

EXACT = {"mariadb_engine": "InnoDB", "mariadb_charset": "utf8mb4", "mariadb_collate": "utf8mb4_nopad_bin"}


def upgrade() -> None:
    op.create_table(
        "limit_slots",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        if_not_exists=True,
        **EXACT,
    )


def downgrade() -> None:
    op.drop_table("limit_slots", if_exists=True)
