"""What is out of date or has changed, found without reading all that is not."""

from alembic import op

revision = "0070"
down_revision = "0068"

INDEXES = {
    "blocks_expires_at": ("blocks", "expires_at"),
    "blocks_serial": ("blocks", "serial"),
    "guesses_expires_at": ("guesses", "expires_at"),
    "known_addresses_seen_at": ("known_addresses", "seen_at"),
    "one_time_tokens_expires_at": ("one_time_tokens", "expires_at"),
    "revocations_expires_at": ("revocations", "expires_at"),
    "revocations_serial": ("revocations", "serial"),
    "signal_senders_owed_at": ("signal_senders", "owed_at"),
}


def upgrade() -> None:
    for name, (table, column) in INDEXES.items():
        op.create_index(name, table, [column], if_not_exists=True)


def downgrade() -> None:
    for name, (table, _) in INDEXES.items():
        op.drop_index(name, table, if_exists=True)
