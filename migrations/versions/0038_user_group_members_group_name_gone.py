"""Members of a group are found by the index that has them in order."""

from alembic import op

revision = "0038"
down_revision = "0037"


def upgrade() -> None:
    op.drop_index("user_group_members_group_name", "user_group_members", if_exists=True)


def downgrade() -> None:
    op.create_index("user_group_members_group_name", "user_group_members", ["group_name"], if_not_exists=True)
