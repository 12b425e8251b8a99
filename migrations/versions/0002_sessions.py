"""The table of live sessions."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

EXACT = {"mariadb_engine": "InnoDB", "mariadb_charset": "utf8mb4", "mariadb_collate": "utf8mb4_nopad_bin"}


def key(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "sessions",
        sa.Column("node", key(128), primary_key=True),
        sa.Column("session", key(255), primary_key=True),
        sa.Column("app_key", sa.String(190), nullable=False),
        sa.Column("opened_at", sa.BigInteger, nullable=False),
        sa.Column("user_name", key(190)),
        sa.Column("stored_user", sa.Boolean, nullable=False),
        sa.Column("verifier", sa.String(190), nullable=False),
        sa.Column("grants", sa.Text),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("token_id", sa.String(255)),
        if_not_exists=True,
        **EXACT,
    )


def downgrade() -> None:
    op.drop_table("sessions", if_exists=True)
