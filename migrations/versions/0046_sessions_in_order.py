"""Sessions in the order in which they expire, were over, or are to be ended."""

from alembic import op

revision = "0046"
down_revision = "0045"

COLUMNS = ("expires_at", "over_at", "end_next_at")


def upgrade() -> None:
    for column in COLUMNS:
        op.create_index(f"sessions_{column}", "sessions", [column], if_not_exists=True)


def downgrade() -> None:
    for column in COLUMNS:
        op.drop_index(f"sessions_{column}", "sessions", if_exists=True)
