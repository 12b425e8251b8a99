"""Where the page of a session is from."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    # Looked for first: MariaDB commits it at once, and may be killed before the note of the revision.
    if "origin" not in [column["name"] for column in sa.inspect(op.get_bind()).get_columns("sessions")]:
        op.add_column("sessions", sa.Column("origin", sa.String(255)))


def downgrade() -> None:
    if "origin" in [column["name"] for column in sa.inspect(op.get_bind()).get_columns("sessions")]:
        op.drop_column("sessions", "origin")
