"""The end of what steps print, and their lines."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from skep.cli.live.scroll import LIMIT, Scroll
from skep.cli.step_output import LINE_BYTES, TAIL_BYTES, LogLines, StepTails


@given(chunks=st.lists(st.binary(min_size=1, max_size=30_000), max_size=30))
def test_the_tail_is_the_end_of_all_that_was_printed(chunks: list[bytes]) -> None:
    tails, whole = StepTails(), b"".join(chunks)
    for chunk in chunks:
        tails.take("leg", "step", chunk)
    tail = tails.get("leg", "step")
    assert whole.endswith(tail)
    assert len(tail) >= min(len(whole), TAIL_BYTES)
    assert len(tail) <= TAIL_BYTES + 30_000


def test_a_flood_of_small_chunks_is_kept_in_few_objects() -> None:
    tails = StepTails()
    for _ in range(100_000):
        tails.take("leg", "step", b"x")
    assert len(tails._chunks["leg", "step"]) <= TAIL_BYTES // 256 + 1
    tails.drop("leg", "step")
    assert tails.get("leg", "step") == b""


@given(text=st.binary(max_size=300), cuts=st.lists(st.integers(0, 300)))
def test_lines_come_out_whole_however_they_were_cut(text: bytes, cuts: list[int]) -> None:
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    lines, whole = LogLines(colour=False), LogLines(colour=False)
    got = [line for a, b in pairwise(places) for line in lines.take("leg", "n", text[a:b])]
    assert got + lines.end("leg", "n") == whole.take("leg", "n", text) + whole.end("leg", "n")


def test_a_line_without_an_end_is_shown_in_pieces() -> None:
    lines = LogLines(colour=False)
    assert lines.take("leg", "n", b"x" * LINE_BYTES) == []
    assert len(lines.take("leg", "n", b"x")[0]) == LINE_BYTES + 1 + len("n | ")


def test_lines_that_come_too_fast_are_counted() -> None:
    scroll = Scroll(LogLines(colour=False))
    scroll.name("leg", "job")
    scroll.take("leg", b"x\n" * (LIMIT + 5))
    scroll.take("leg", b"x\n" * 7)
    given_ = scroll.give()
    assert len(given_) == LIMIT + 1
    assert given_[-1] == "… 12 lines came too fast to show; `skep logs` has them"
    assert scroll.give() == []
