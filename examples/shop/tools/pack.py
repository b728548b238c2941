"""Packs the service into one file that Python runs, and puts the built web part beside it: `pack.py OUT [WEB]`."""

import shutil
import sys
import tempfile
import zipapp
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]


def main(out: str, web: str = "") -> int:
    """Writes OUT/shop.pyz and, when there is one, OUT/web."""
    target = Path(out)
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(PROJECT / "shop", Path(folder) / "shop", ignore=shutil.ignore_patterns("__pycache__"))
        zipapp.create_archive(folder, target / "shop.pyz", main="shop.__main__:run", compressed=True)
    if web and Path(web).is_dir():
        shutil.copytree(web, target / "web", dirs_exist_ok=True)
    for path in sorted(target.rglob("*")):
        if path.is_file():
            print(f"{path.relative_to(target)} {path.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
