"""The table of records."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

ID = sa.String(26).with_variant(sa.String(26, collation="C"), "postgresql")
EXACT = {"mariadb_engine": "InnoDB", "mariadb_charset": "utf8mb4", "mariadb_collate": "utf8mb4_nopad_bin"}


def upgrade() -> None:
    op.create_table(
        "records",
        sa.Column("id", ID, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("node", sa.String(128), nullable=False),
        sa.Column("session", sa.String(255), nullable=False),
        sa.Column("app_key", sa.String(190), nullable=False),
        sa.Column("method", sa.String(64), nullable=False),
        sa.Column("user_name", sa.String(190)),
        sa.Column("allowed", sa.Boolean, nullable=False),
        sa.Column("reason", sa.String(64), nullable=False),
        sa.Column("rule", sa.String(190), nullable=False),
        sa.Column("status", sa.String(190), nullable=False),
        sa.Column("subject", sa.String(512), nullable=False),
        if_not_exists=True,
        **EXACT,
    )


def downgrade() -> None:
    op.drop_table("records", if_exists=True)
