"""What Alembic runs: it gets a connection that holds the lock, and leaves the commit to its caller."""

from alembic import context

from authgate.store.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    # MariaDB commits each statement by itself, so each revision, which holds one, is noted as soon as it is done.
    transaction_per_migration=connection.dialect.name == "mariadb",
)
with context.begin_transaction():
    context.run_migrations()
