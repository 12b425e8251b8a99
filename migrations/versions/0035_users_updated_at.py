"""Users in the order in which they were changed."""

from alembic import op

revision = "0035"
down_revision = "0034"


def upgrade() -> None:
    op.create_index("users_updated_at", "users", ["updated_at", "name"], if_not_exists=True)


def downgrade() -> None:
    op.drop_index("users_updated_at", "users", if_exists=True)
