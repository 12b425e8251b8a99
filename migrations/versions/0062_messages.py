"""Messages that wait to be delivered."""

import sqlalchemy as sa
from alembic import op

revision = "0062"
down_revision = "0061"

EXACT = {"mariadb_engine": "InnoDB", "mariadb_charset": "utf8mb4", "mariadb_collate": "utf8mb4_nopad_bin"}


def key(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "messages",
        sa.Column("id", key(40), primary_key=True),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("done_at", sa.BigInteger),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("app_key", sa.String(190), nullable=False),
        sa.Column("addressee", sa.String(16), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("node", sa.String(128)),
        sa.Column("session", sa.String(255)),
        sa.Column("sender", sa.String(40)),
        sa.Column("user_name", sa.String(190)),
        sa.Column("body", sa.Text, nullable=False),
        sa.UniqueConstraint("done_at", "seq", name="messages_waiting"),
        if_not_exists=True,
        **EXACT,
    )


def downgrade() -> None:
    op.drop_table("messages", if_exists=True)
