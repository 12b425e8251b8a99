"""Members of a group in the order of their names."""

from alembic import op

revision = "0037"
down_revision = "0036"


def upgrade() -> None:
    op.create_index(
        "user_group_members_in_order", "user_group_members", ["group_name", "user_name"], if_not_exists=True
    )


def downgrade() -> None:
    op.drop_index("user_group_members_in_order", "user_group_members", if_exists=True)
