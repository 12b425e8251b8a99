"""What a verdict was judged by."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    # Looked for first: MariaDB commits it at once, and may be killed before the note of the revision.
    if "facts" not in [column["name"] for column in sa.inspect(op.get_bind()).get_columns("records")]:
        op.add_column("records", sa.Column("facts", sa.Text))


def downgrade() -> None:
    if "facts" in [column["name"] for column in sa.inspect(op.get_bind()).get_columns("records")]:
        op.drop_column("records", "facts")
