"""What a session's client was configured with."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    # Looked for first: MariaDB commits it at once, and may be killed before the note of the revision.
    if "config" not in [column["name"] for column in sa.inspect(op.get_bind()).get_columns("sessions")]:
        op.add_column("sessions", sa.Column("config", sa.String(32)))


def downgrade() -> None:
    if "config" in [column["name"] for column in sa.inspect(op.get_bind()).get_columns("sessions")]:
        op.drop_column("sessions", "config")
