"""Starts the packed shop on a free port, orders something as a customer would, and stops it: `smoke.py shop.pyz`."""

import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from typing import Any


def main(package: str) -> int:
    """0 when the shop sells a lamp."""
    token = os.environ["SHOP_ADMIN_TOKEN"]
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            package,
            "--database",
            os.path.join(folder, "shop.db"),
            "serve",
            "--port",
            "0",
        ]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            try:
                url = _wait_for_url(server)
                _sell_a_lamp(url, token)
            finally:
                server.terminate()
    return 0


def _wait_for_url(server: "subprocess.Popen[str]") -> str:
    assert server.stdout is not None
    for line in server.stdout:
        print(line, end="")
        if " on http://" in line:
            return line.split()[-1]
    raise SystemExit("the shop ended before it served")


def _sell_a_lamp(url: str, token: str) -> None:
    health = _ask(url + "/health")
    lamp = _ask(
        url + "/api/products",
        {"sku": "LAMP-1", "name": "Lamp", "price_cents": 1999, "stock": 1},
        {"Authorization": f"Bearer {token}"},
    )
    order = _ask(
        url + "/api/orders", {"customer": "smoke", "lines": [{"product_id": lamp["id"], "quantity": 1}]}
    )
    assert order["total_cents"] == 1999, order
    print(f"version {health['version']} sold order {order['id']} for {order['total_cents']} cents")


def _ask(url: str, body: object = None, headers: dict[str, str] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(
        urllib.request.Request(url, data=data, headers=headers or {}), timeout=20
    ) as answer:
        return json.loads(answer.read())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
