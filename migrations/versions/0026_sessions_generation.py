"""The generation of a session's user, when it was opened."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    # Looked for first: MariaDB commits it at once, and may be killed before the note of the revision.
    if "generation" not in [column["name"] for column in sa.inspect(op.get_bind()).get_columns("sessions")]:
        op.add_column("sessions", sa.Column("generation", sa.BigInteger))


def downgrade() -> None:
    if "generation" in [column["name"] for column in sa.inspect(op.get_bind()).get_columns("sessions")]:
        op.drop_column("sessions", "generation")
