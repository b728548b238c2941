"""A process of its own that sets up Node 98 in a workshop that another process has made: `python -m ... ROOT`."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace
from pathlib import Path

from .calls import Shop
from .setups import process_runner


def main(root: Path) -> None:
    """Prints the log and the version."""
    from skep.pipeline.natives.setup_cache import DependencyMarks
    from skep.pipeline.natives.setup_node import SetupNode

    shop = Shop(root)
    job = shop.job()
    env = {
        "PATH": os.defpath,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(root / "wheels"),
        "PIP_NO_CACHE_DIR": "1",
    }
    job = replace(job, box=replace(job.box, env=env))
    call = shop.call(job, "actions/setup-node@v4", {"node-version": "98"}, env=env)
    action = SetupNode(DependencyMarks(shop.blobs, shop.entries, shop.clock))
    result = asyncio.run(action(replace(call, run=process_runner(call))))
    print("\n".join(job.log), result.outputs["node-version"])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
