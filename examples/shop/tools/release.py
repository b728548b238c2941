"""Puts a packed shop into service and looks after it: `release.py deploy|verify|history ROOT ...`.

ROOT/releases/VERSION-DIGEST/shop.pyz are the releases, ROOT/current is a link to the one in service, ROOT/shop.db its data and
ROOT/releases.jsonl what was deployed when. A deployment checks the digest, keeps a copy of the data, switches the link and sells
something; when that fails the old release and the old data are back before the command ends. Nothing is left running.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


class Failed(Exception):
    """What went wrong, for people."""


def main() -> int:
    """1 when the release is not in service."""
    parser = argparse.ArgumentParser(prog="release", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("deploy", "verify", "history"):
        command = commands.add_parser(name)
        command.add_argument("root", type=Path)
        if name == "deploy":
            command.add_argument("package", type=Path)
            command.add_argument("--digest", required=True, help="SHA-256 of the package")
            command.add_argument("--environment", required=True)
            command.add_argument(
                "--orders", type=int, default=1, help="how many orders the smoke test places"
            )
        if name != "history":
            command.add_argument("--version", required=True, help="what /health must say")
    arguments = parser.parse_args()
    try:
        if arguments.command == "deploy":
            print(f"release={deploy(arguments)}")
        elif arguments.command == "verify":
            with serving(arguments.root) as url:
                check_health(url, arguments.version)
        else:
            print_history(arguments.root)
    except Failed as error:
        print(f"::error title=Release::{error}")
        return 1
    return 0


def deploy(wanted: argparse.Namespace) -> str:
    """The name of the release that is in service now. Raises Failed; then the one before is in service."""
    root: Path = wanted.root
    digest = hashlib.sha256(wanted.package.read_bytes()).hexdigest()
    if digest != wanted.digest:
        raise Failed(
            f"`{wanted.package}` has the digest {digest[:12]}, not {wanted.digest[:12]}: build and deploy the same file"
        )
    name = f"{wanted.version}-{digest[:12]}"
    folder = root / "releases" / name
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(wanted.package, folder / "shop.pyz")
    before = os.readlink(root / "current") if (root / "current").is_symlink() else ""
    saved = copy_data(root)
    switch(root, f"releases/{name}")
    try:
        with serving(root) as url:
            check_health(url, wanted.version)
            sell(url, wanted.orders)
    except Failed as error:
        switch(root, before)
        if saved:
            os.replace(saved, root / "shop.db")
        raise Failed(f"{error}; {before or 'nothing'} is in service as before") from error
    record = {
        "release": name,
        "environment": wanted.environment,
        "before": before.removeprefix("releases/"),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    with open(root / "releases.jsonl", "a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")
    return name


def switch(root: Path, target: str) -> None:
    """Points `current` at a release in one step; an empty target takes it out of service."""
    link = root / "current.new"
    link.unlink(missing_ok=True)
    if target:
        link.symlink_to(target)
        os.replace(link, root / "current")
    else:
        (root / "current").unlink(missing_ok=True)


def copy_data(root: Path) -> Path | None:
    """A copy of the data as they are now."""
    data = root / "shop.db"
    return Path(shutil.copyfile(data, root / "shop.db.before")) if data.is_file() else None


@contextmanager
def serving(root: Path) -> Iterator[str]:
    """The address of the release in service, on a free port, while it is looked at."""
    package = root / "current" / "shop.pyz"
    if not package.is_file():
        raise Failed(f"nothing is in service in `{root}`: `{package}` is not there; deploy first")
    env = {**os.environ, "SHOP_ADMIN_TOKEN": os.environ.get("SHOP_ADMIN_TOKEN", "")}
    command = [sys.executable, str(package), "--database", str(root / "shop.db"), "--journal", "delete"]
    with tempfile.TemporaryFile("w+") as errors:
        words = [*command, "serve", "--port", "0"]
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=errors, text=True, env=env) as server:
            try:
                yield wait_for_url(server, errors)
            finally:
                server.terminate()


def wait_for_url(server: "subprocess.Popen[str]", errors: Any) -> str:
    """The address that the server prints when it is ready."""
    assert server.stdout is not None
    for line in server.stdout:
        print(line, end="")
        if " on http://" in line:
            return line.split()[-1]
    errors.seek(0)
    last = errors.read().strip().splitlines()[-1:]
    raise Failed(f"the release ended before it served: {''.join(last) or 'it said nothing'}")


def check_health(url: str, version: str) -> None:
    """The service is alive, and is the version that was meant."""
    health = ask(f"{url}/health")
    if health.get("status") != "ok" or health.get("version") != version:
        raise Failed(f"/health says {json.dumps(health)}, wanted is version {version}")
    print(f"healthy: version {health['version']}, {health['products']} products")


def sell(url: str, orders: int) -> None:
    """Orders as a customer would, from a product of its own, and cancels."""
    token = os.environ.get("SHOP_ADMIN_TOKEN", "")
    sku = f"SMOKE-{os.getpid()}-{datetime.now(UTC):%H%M%S%f}"
    lamp = ask(
        f"{url}/api/products",
        {"sku": sku, "name": "Smoke test", "price_cents": 1999, "stock": orders},
        {"Authorization": f"Bearer {token}"},
    )
    for _ in range(orders):
        line = {"product_id": lamp["id"], "quantity": 1}
        order = ask(f"{url}/api/orders", {"customer": "smoke", "lines": [line]})
        if order["total_cents"] != 1999:
            raise Failed(f"an order of 1999 cents costs {order['total_cents']}")
    print(f"sold {orders} of {sku}")


def ask(url: str, body: object = None, headers: dict[str, str] | None = None) -> Any:
    """What the service answers."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.loads(answer.read())
    except OSError as error:
        raise Failed(f"{request.get_method()} {request.selector}: {error}") from error


def print_history(root: Path) -> None:
    """Prints what was deployed, as Markdown."""
    file = root / "releases.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    print("| release | environment | before | at |\n|---|---|---|---|")
    for record in map(json.loads, lines):
        print(
            f"| {record['release']} | {record['environment']} | {record['before'] or 'nothing'} | {record['at']} |"
        )


if __name__ == "__main__":
    sys.exit(main())
