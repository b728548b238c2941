"""Whether a run's journal and row still say what was written."""

from __future__ import annotations

import sqlite3

from skep.events.facts import RunFinished
from skep.events.journal import Broken, Entry, decode_fact, genesis, verify_chain

_JOURNAL = "SELECT sequence, entry, hash FROM journal WHERE run_id = ? ORDER BY sequence"


def verify_run(connection: sqlite3.Connection, run_id: str) -> Broken | None:
    """The first entry of a run that is not what was written, or None.

    The row of the run keeps the number of entries, the last hash and the status, so that missing last
    entries and a changed
    row are found too. Raises sqlite3.Error.
    """
    entries = (
        Entry(sequence=row[0], text=row[1], hash=row[2]) for row in connection.execute(_JOURNAL, (run_id,))
    )
    broken = verify_chain(entries, previous=genesis(run_id))
    if broken is not None:
        return broken
    kept, head, status = connection.execute(
        "SELECT facts, head, status FROM runs WHERE run_id = ?", (run_id,)
    ).fetchone()
    sequence, text, digest = connection.execute(f"{_JOURNAL} DESC LIMIT 1", (run_id,)).fetchone() or (
        0,
        "",
        genesis(run_id),
    )
    if sequence < kept:
        return Broken(
            sequence=sequence + 1, reason=f"the last {kept - sequence} of {kept} entries are missing"
        )
    if (sequence, digest) != (kept, head):
        return Broken(
            sequence=sequence, reason=f"entry {sequence} is not the one the run's row was written with"
        )
    last = decode_fact(text)
    if isinstance(last, RunFinished) and last.status != status:
        return Broken(
            sequence=sequence,
            reason=f"the status is `{status}` in the list and `{last.status}` in the journal",
        )
    return None
