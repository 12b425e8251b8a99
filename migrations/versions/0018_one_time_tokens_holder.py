"""What begins finds the one-time tokens that are reserved for it."""

from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.create_index("one_time_tokens_holder", "one_time_tokens", ["holder"], if_not_exists=True)


def downgrade() -> None:
    op.drop_index("one_time_tokens_holder", "one_time_tokens", if_exists=True)
