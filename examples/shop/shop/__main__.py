"""`python3 -m shop migrate|sample|serve`. Settings: SHOP_DATABASE, SHOP_JOURNAL, SHOP_ADMIN_TOKEN, SHOP_PAGES."""

import argparse
import os
import sys
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from shop import __version__, sample
from shop.api import Shop
from shop.database import JOURNAL_MODES, connect, migrate


class Server(ThreadingMixIn, WSGIServer):
    """One thread for each request."""

    daemon_threads = True


class QuietHandler(WSGIRequestHandler):
    """No line for each request."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Says nothing."""


def main(argv: list[str] | None = None) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="shop", description=__doc__)
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument("--database", default=os.environ.get("SHOP_DATABASE", "shop.db"))
    parser.add_argument("--journal", choices=JOURNAL_MODES, default=os.environ.get("SHOP_JOURNAL") or "wal")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("migrate")
    commands.add_parser("sample").add_argument("--products", type=int, default=100)
    serve = commands.add_parser("serve")
    serve.add_argument("--port", type=int, default=8080, help="0: any free one, printed")
    serve.add_argument("--host", default="127.0.0.1")
    arguments = parser.parse_args(argv)

    connection = connect(arguments.database, journal=arguments.journal)
    applied = migrate(connection)
    for migration in applied:
        print(f"applied {migration.version:04} {migration.name}")
    if arguments.command == "sample":
        print(f"added {sample.fill(connection, arguments.products)} products")
    connection.close()
    if arguments.command == "serve":
        serve_shop(arguments.database, arguments.journal, arguments.host, arguments.port)
    return 0


def serve_shop(database: str, journal: str, host: str, port: int) -> None:
    """Serves until interrupted."""
    shop = Shop(
        open_database=lambda: connect(database, journal=journal),
        admin_token=os.environ.get("SHOP_ADMIN_TOKEN", ""),
        pages=os.environ.get("SHOP_PAGES", ""),
    )
    with make_server(host, port, shop, server_class=Server, handler_class=QuietHandler) as server:
        print(f"shop {__version__} on http://{host}:{server.server_port}", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print("stopped")


def run() -> None:
    """The entry of the packed shop."""
    sys.exit(main())


if __name__ == "__main__":
    run()
