"""Tokens of jobs and signatures of addresses: what proves that a request comes from a job of this run.

A token is a JWT (RFC 7519) signed with HMAC-SHA256 and a secret that lives as long as the run's process. A signed address
carries its purpose and its end: whoever holds it needs no token, as with the toolkits' storage.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from typing import Literal, TypeAlias
from urllib.parse import urlencode

from skep.host.clock import Clock

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Purpose = Literal["read", "write"]

LONGEST_TOKEN = 8192


class Tokens:
    """Signs and checks with one random secret. Any number of threads may use it."""

    def __init__(self, clock: Clock, secret: bytes | None = None) -> None:
        self._clock = clock
        self._secret = secret or secrets.token_bytes(32)

    def issue(self, claims: Mapping[str, Json], life_s: float) -> str:
        """A token with these claims and its times."""
        now = int(self._clock.now())
        times = {"iat": now, "nbf": now - 60, "exp": now + int(life_s)}
        signed = f"{_HEADER}.{encode_segment({**claims, **times, 'jti': secrets.token_hex(16)})}"
        return f"{signed}.{to_base64(self._sign(b'token', signed))}"

    def claims(self, token: str) -> Mapping[str, Json] | None:
        """What a token says; None when it is not ours, not whole, or its time is over."""
        if len(token) > LONGEST_TOKEN or not token.isascii():
            return None
        signed, _, signature = token.rpartition(".")
        header, _, payload = signed.partition(".")
        if header != _HEADER:  # so no other algorithm is ever looked at
            return None
        if not hmac.compare_digest(signature, to_base64(self._sign(b"token", signed))):
            return None
        claims = decode_segment(payload)
        if claims is None:
            return None
        begin, end, now = claims.get("nbf"), claims.get("exp"), self._clock.now()
        in_time = isinstance(begin, int) and isinstance(end, int) and begin <= now < end
        return claims if in_time else None

    def sign_address(self, path: str, purpose: Purpose, life_s: float) -> str:
        """The path with a query that allows `purpose` until its end."""
        end = int(self._clock.now() + life_s)
        query = {"se": str(end), "sp": purpose[0], "sig": self._address_signature(path, purpose, end)}
        return f"{path}?{urlencode(query)}"

    def allows(self, path: str, query: Mapping[str, str], purpose: Purpose) -> bool:
        """Whether an address was signed by us for this purpose and is still in its time."""
        end = query.get("se", "")
        if not (end.isascii() and end.isdigit() and len(end) < 16):
            return False
        expected = self._address_signature(path, purpose, int(end))
        given = query.get("sig", "").encode("utf-8", "replace")
        return hmac.compare_digest(given, expected.encode()) and self._clock.now() < int(end)

    def _address_signature(self, path: str, purpose: Purpose, end: int) -> str:
        return to_base64(self._sign(b"address", f"{purpose}\n{end}\n{path}"))

    def _sign(self, what: bytes, text: str) -> bytes:
        return hmac.digest(self._secret, what + b"\0" + text.encode("utf-8", "surrogatepass"), hashlib.sha256)


def to_base64(data: bytes) -> str:
    """URL-safe base64 without filling, as JWTs have it."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def encode_segment(content: Mapping[str, Json]) -> str:
    """One part of a JWT."""
    return to_base64(json.dumps(content, separators=(",", ":")).encode())


def decode_segment(text: str) -> dict[str, Json] | None:
    """What a part of a JWT holds; None when it is no JSON object."""
    try:
        content = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


_HEADER = encode_segment({"alg": "HS256", "typ": "JWT"})
