"""The sessions that are in rooms."""

import sqlalchemy as sa
from alembic import op

revision = "0060"
down_revision = "0055"

EXACT = {"mariadb_engine": "InnoDB", "mariadb_charset": "utf8mb4", "mariadb_collate": "utf8mb4_nopad_bin"}


def key(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "room_members",
        sa.Column("app_key", key(190), primary_key=True),
        sa.Column("room", key(64), primary_key=True),
        sa.Column("node", key(128), primary_key=True),
        sa.Column("session", key(255), primary_key=True),
        sa.Column("opened_at", sa.BigInteger, nullable=False),
        sa.Column("sender", sa.String(40), nullable=False),
        sa.Column("user_name", sa.String(190)),
        sa.Column("joined_at", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("node", "session", "app_key", "room", name="room_members_session"),
        if_not_exists=True,
        **EXACT,
    )


def downgrade() -> None:
    op.drop_table("room_members", if_exists=True)
