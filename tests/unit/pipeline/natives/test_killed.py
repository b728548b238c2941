"""A save killed at any moment: what is in the store is whole, and the next save works."""

from __future__ import annotations

import io
import os
import signal
import time
from pathlib import Path

import pytest

from skep.cache.archive import names_of
from unit.cache.programs import start

from .calls import Shop

SAVE_FOREVER = """
    import sys
    from pathlib import Path
    from unit.pipeline.natives.calls import Shop
    shop = Shop(Path(sys.argv[1]))
    job = shop.job()
    job.write({f"cache/{n}": str(n) * 20000 for n in range(40)})
    print("ready", flush=True)
    for number in range(100000):
        shop.use(job, "actions/cache/save@v4", {"path": "cache", "key": f"k{number}"})
        shop.use(job, "actions/upload-artifact@v4", {"path": "cache", "name": f"n{number}"})
        (job.workspace / "cache/0").write_text(str(number))
"""


@pytest.mark.parametrize("after_ms", [0, 3, 9, 20, 45, 90, 150])
def test_a_killed_save_leaves_only_whole_entries(tmp_path: Path, after_ms: int) -> None:
    tests = str(Path(__file__).parents[3])
    process = start(f"import sys; sys.path.insert(0, {tests!r})\n" + _dedented(SAVE_FOREVER), str(tmp_path))
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(after_ms / 1000)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    shop = Shop(tmp_path)
    for entry in shop.entries:
        shop.blobs.verify(entry.archive.digest)
        archive = Path(shop.blobs.path(entry.archive.digest)).read_bytes()
        assert len(names_of(io.BytesIO(archive))) == 41
    for digest in shop.artifacts.digests():
        shop.blobs.verify(digest)
    shop.blobs.sweep()
    tmp = tmp_path / "blobs/tmp"
    assert not tmp.exists() or os.listdir(tmp) == []
    job = shop.job()
    job.write({"cache/a": "a"})
    shop.use(job, "actions/cache/save@v4", {"path": "cache", "key": "after"})
    assert job.log == ["Cache saved with key: after"]


def _dedented(code: str) -> str:
    return "\n".join(line.removeprefix("    ") for line in code.splitlines())
