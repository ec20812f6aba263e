"""Alembic's way to the database; run through `hotline db`."""

from alembic import context

from models import Base
from models.session import open_engine

config = context.config
engine = open_engine(config.get_main_option("sqlalchemy.url") or "sqlite://")

# One transaction for all of it: a migration that fails leaves the database as it was.
with engine.begin() as connection:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=True,
        compare_type=True,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
