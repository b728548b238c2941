"""HTTP/1.1 by raw bytes over a real socket: what is right is served, what is wrong is refused and never hangs."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skep.pipeline.services.connection import Limits
from skep.pipeline.services.downloads import as_attachment, cut
from skep.pipeline.services.http_values import (
    FilePart,
    HttpError,
    Request,
    Response,
    parse_chunk_size,
    parse_head,
    parse_range,
)
from skep.pipeline.services.server import Server

LIMIT = 1 << 20


class Echo:
    """Answers with what it was sent."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __call__(self, request: Request) -> Response:
        head = request.head
        if head.path == "/bug":
            raise RuntimeError("a bug")
        if head.path == "/unread":
            return Response(status=200, body=b"unread")
        if head.path == "/file":
            part = FilePart(path=str(self.file), offset=2, size_bytes=5)
            return Response(parts=[b"<", part, b">"], size_bytes=7)
        if head.path == "/chunks":
            return Response(parts=[b"one", b"", b"two"])
        return Response(body=f"{head.method} {head.path} ".encode() + request.body.read(LIMIT))


class Talk:
    """A connection to the server."""

    def __init__(self, port: int) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=10)

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def rest(self) -> bytes:
        """All that comes until the server closes."""
        found = b""
        while piece := self.sock.recv(65536):
            found += piece
        return found

    def until(self, end: bytes) -> bytes:
        found = b""
        while not found.endswith(end):
            piece = self.sock.recv(1)
            assert piece, found
            found += piece
        return found


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    file = tmp_path_factory.mktemp("served") / "file"
    file.write_bytes(b"0123456789")
    problems: list[str] = []
    limits = Limits(idle_s=5, head_s=0.4, silence_s=0.4, linger_s=0.2)
    server = Server(Echo(file), limits=limits, report=problems.append)
    yield server.start()
    server.close()
    assert set(problems) <= {"GET /bug: RuntimeError: a bug"}


@pytest.fixture
def talk(port: int) -> Iterator[Talk]:
    made = Talk(port)
    yield made
    made.sock.close()


GET = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n"


def test_many_requests_use_one_connection_also_when_sent_at_once(talk: Talk) -> None:
    talk.send(GET * 3 + b"PUT /b HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc")
    said = talk.rest()
    assert said.count(b"HTTP/1.1 200 OK") == 4
    assert said.endswith(b"PUT /b abc")
    assert said.count(b"Connection: keep-alive") == 3


def test_a_body_in_chunks_arrives_whole(talk: Talk) -> None:
    talk.send(b"POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
    for piece in (b"3\r\nab", b"c\r\n", b"A;name=x\r\n0123456789\r\n0\r\n", b"Trailer: t\r\n\r\n"):
        talk.send(piece)
    assert talk.until(b"abc0123456789").startswith(b"HTTP/1.1 200 OK")
    talk.send(GET)  # the connection is in step
    talk.until(b"GET /a ")


def test_a_client_that_waits_for_leave_gets_it_when_its_body_is_wanted(talk: Talk) -> None:
    head = b"PUT /d HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
    talk.send(head)
    assert talk.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    talk.send(b"abc")
    assert talk.until(b"PUT /d abc").startswith(b"HTTP/1.1 200 OK")
    talk.send(head.replace(b"/d", b"/unread"))
    assert b"100 Continue" not in talk.rest()


def test_a_body_nobody_reads_does_not_put_the_connection_out_of_step(talk: Talk) -> None:
    talk.send(b"PUT /unread HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nGET /")
    talk.until(b"unread")
    talk.send(GET)
    talk.until(b"GET /a ")


def test_head_says_the_length_and_sends_nothing(talk: Talk) -> None:
    talk.send(b"HEAD /file HTTP/1.1\r\nHost: h\r\n\r\n")
    assert b"Content-Length: 7\r\n" in talk.until(b"\r\n\r\n")
    talk.send(b"GET /file HTTP/1.1\r\nHost: h\r\n\r\n")
    assert talk.until(b"<23456>").startswith(b"HTTP/1.1 200 OK")


def test_an_answer_of_unknown_length_comes_in_chunks(talk: Talk) -> None:
    talk.send(b"GET /chunks HTTP/1.1\r\nHost: h\r\n\r\n")
    assert talk.until(b"0\r\n\r\n").endswith(b"\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")


def test_an_old_client_gets_such_an_answer_until_the_connection_ends(talk: Talk) -> None:
    talk.send(b"GET /chunks HTTP/1.0\r\n\r\n")
    said = talk.rest()
    assert said.endswith(b"\r\n\r\nonetwo")
    assert b"chunked" not in said


def test_a_bug_in_an_app_is_a_500_and_the_next_request_is_served(talk: Talk) -> None:
    talk.send(GET.replace(b"/a", b"/bug"))
    talk.until(b"Skep failed at this request\n")
    talk.send(GET)
    talk.until(b"GET /a ")


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", 400),  # TLS
        (b"GET / HTTP/2\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),  # no Host
        (b"get / HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        (b"GET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        (b"GET  / HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: h\r\n folded\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost : h\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: h\r\nA: \x00\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n", 400),
        (b"GET /%ff HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        (b"GET /%00 HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        (b"GET /?" + b"a=b&" * 200 + b" HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        (b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n", 400),
        (b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: -3\r\n\r\n", 400),
        (b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 3, 3\r\n\r\n", 400),
        (b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
        (b"PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400),
        (b"PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", 400),
        (b"PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * 5000, 400),
        (b"PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n200000\r\n", 413),
        (b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 2000000\r\n\r\n", 413),
        (b"BREW / HTTP/1.1\r\nHost: h\r\n\r\n", 501),
        (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: h\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: h\r\n" + b"A: b\r\n" * 20_000, 431),
    ],
)
def test_what_is_wrong_is_refused_and_the_connection_ends(talk: Talk, text: bytes, status: int) -> None:
    talk.send(text)
    said = talk.rest()
    assert said.startswith(f"HTTP/1.1 {status} ".encode()), said[:200]
    assert said.count(b"Content-Length: ") == 1


@pytest.mark.parametrize(
    "text", [b"", b"GET / HT", b"PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nab"]
)
def test_a_client_that_falls_silent_is_let_go(talk: Talk, text: bytes) -> None:
    if text:
        talk.send(text)
    else:
        talk.send(b"\r\n")
    began = time.monotonic()
    assert b"200" not in talk.rest()
    assert time.monotonic() - began < 5


def test_a_client_that_drips_a_head_is_let_go(talk: Talk) -> None:
    talk.sock.settimeout(0.02)
    for _ in range(500):
        try:
            talk.send(b"G")
            if not talk.sock.recv(1):
                return
        except TimeoutError:
            continue
        except OSError:
            return  # reset, or a broken pipe
    pytest.fail("the server still listens to it")


def test_a_body_that_is_cut_is_no_body(talk: Talk) -> None:
    talk.send(b"PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nab")
    talk.sock.shutdown(socket.SHUT_WR)
    assert talk.rest().startswith(b"HTTP/1.1 400 ")


def test_closing_ends_connections_that_are_open(tmp_path: Path) -> None:
    server = Server(Echo(tmp_path / "none"))
    port = server.start()
    waiting, half = Talk(port), Talk(port)
    waiting.send(GET)
    waiting.until(b"GET /a ")
    half.send(b"PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nab")
    server.close()
    server.close()
    assert waiting.rest() == b""
    waiting.sock.close()
    half.sock.close()
    with pytest.raises(OSError, match="refused"):
        Talk(port)


@settings(max_examples=300)
@given(st.binary(max_size=300))
def test_any_bytes_are_a_head_or_refused(text: bytes) -> None:
    with suppress(HttpError):
        assert parse_head(text).path.startswith("/")


_NAMES = st.sampled_from(
    ["Host", "Content-Length", "Transfer-Encoding", "Connection", "Expect", "X-A", "content-length"]
)
_VALUES = st.one_of(
    st.sampled_from(["0", "3", "+3", "chunked", "close", "keep-alive", "", " 7 ", "chunked, chunked"]),
    st.text(max_size=8),
)


@settings(max_examples=300)
@given(st.lists(st.tuples(_NAMES, _VALUES), max_size=6), st.sampled_from(["1.0", "1.1"]))
def test_no_head_has_two_meanings_for_the_length_of_its_body(
    headers: list[tuple[str, str]], version: str
) -> None:
    lines = [f"PUT /a HTTP/{version}", *(f"{name}: {value}" for name, value in headers)]
    try:
        head = parse_head("\r\n".join(lines).encode("utf-8", "surrogatepass"))
    except HttpError:
        return
    lengths = [value for name, value in headers if name.lower() == "content-length"]
    encodings = [value for name, value in headers if name.lower() == "transfer-encoding"]
    assert len(lengths) + len(encodings) <= 1
    assert (head.length is None) == bool(encodings)


@settings(max_examples=200)
@given(st.binary(max_size=20))
def test_any_line_is_the_size_of_a_chunk_or_refused(line: bytes) -> None:
    with suppress(HttpError):
        assert 0 <= parse_chunk_size(line) < 16**15


@settings(max_examples=300)
@given(
    st.one_of(st.text(max_size=30), st.from_regex(r"bytes=\d{0,3}-\d{0,3}", fullmatch=True)),
    st.integers(0, 300),
)
def test_a_range_is_within_the_whole_or_there_is_none(text: str, size: int) -> None:
    try:
        found = parse_range(text, size)
    except HttpError:
        return
    if found:
        first, count = found
        assert count > 0
        assert 0 <= first < first + count <= size


@settings(max_examples=200)
@given(st.lists(st.binary(max_size=6), max_size=6), st.data())
def test_a_cut_of_the_parts_is_the_cut_of_the_whole(parts: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(parts)
    first = data.draw(st.integers(0, len(whole)))
    count = data.draw(st.integers(0, len(whole) - first))
    taken = [part for part in cut(parts, first, count) if isinstance(part, bytes)]
    assert b"".join(taken) == whole[first : first + count]


def test_a_cut_of_files_names_their_bytes() -> None:
    files = [FilePart(path=name, offset=10, size_bytes=5) for name in "ab"]
    assert list(cut(files, 3, 4)) == [
        FilePart(path="a", offset=13, size_bytes=2),
        FilePart(path="b", offset=10, size_bytes=2),
    ]


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(min_size=1, max_size=30).filter(lambda text: text.isprintable() and "\ud800" not in text))
def test_no_name_breaks_out_of_its_header(name: str) -> None:
    header = as_attachment(name)
    assert header.isascii()
    assert header.isprintable()
    assert header.count('"') == 2
    assert os.linesep not in header
