"""The groups that a session's token named."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    # Looked for first: MariaDB commits it at once, and may be killed before the note of the revision.
    if "token_groups" not in [column["name"] for column in sa.inspect(op.get_bind()).get_columns("sessions")]:
        op.add_column("sessions", sa.Column("token_groups", sa.Text))


def downgrade() -> None:
    if "token_groups" in [column["name"] for column in sa.inspect(op.get_bind()).get_columns("sessions")]:
        op.drop_column("sessions", "token_groups")
