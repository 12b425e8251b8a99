"""``authgate serve``."""

import gc

import click

from authgate.cli.common import config_option, config_path


@click.command()
@click.option("--host", metavar="ADDRESS", help="Listen here instead of [server] host.")
@click.option("--port", type=click.IntRange(0, 65535), help="Listen on this port instead of [server] port.")
@click.option("--workers", type=click.IntRange(1, 256), help="This many processes instead of [server] workers.")
@config_option
def serve(host: str | None, port: int | None, workers: int | None) -> None:
    """Answer the media server's hooks until stopped."""
    from authgate.server.hangups import hangups

    hangups()  # before anything that takes time: a SIGHUP would end the process
    gc.disable()  # all that is loaded now stays; a worker that is ready has it collect again
    try:
        from authgate.server.run import serve as run  # here, so that help needs no server

        run(config_path(), host, port, workers)
    finally:
        gc.enable()
