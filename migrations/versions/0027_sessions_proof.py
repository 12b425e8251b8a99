"""What of a session's token is looked at again for each hook."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    # Looked for first: MariaDB commits it at once, and may be killed before the note of the revision.
    if "proof" not in [column["name"] for column in sa.inspect(op.get_bind()).get_columns("sessions")]:
        op.add_column("sessions", sa.Column("proof", sa.Text))


def downgrade() -> None:
    if "proof" in [column["name"] for column in sa.inspect(op.get_bind()).get_columns("sessions")]:
        op.drop_column("sessions", "proof")
