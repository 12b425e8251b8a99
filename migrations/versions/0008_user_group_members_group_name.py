"""The members of a group are found without reading all of them."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_index("user_group_members_group_name", "user_group_members", ["group_name"], if_not_exists=True)


def downgrade() -> None:
    op.drop_index("user_group_members_group_name", "user_group_members", if_exists=True)
