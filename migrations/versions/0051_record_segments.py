"""What is in each run of records."""

import sqlalchemy as sa
from alembic import op

revision = "0051"
down_revision = "0050"

EXACT = {"mariadb_engine": "InnoDB", "mariadb_charset": "utf8mb4", "mariadb_collate": "utf8mb4_nopad_bin"}


def upgrade() -> None:
    op.create_table(
        "record_segments",
        sa.Column("segment", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("records", sa.Integer, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("min_at", sa.BigInteger, nullable=False),
        sa.Column("max_at", sa.BigInteger, nullable=False),
        if_not_exists=True,
        **EXACT,
    )


def downgrade() -> None:
    op.drop_table("record_segments", if_exists=True)
