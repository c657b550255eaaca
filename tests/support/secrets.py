"""Secrets to plant in log lines, and how to find them again in whatever comes out."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

EMAIL = "planted.person@mail.example"
PHONE = "+49 171 5550123"
CARD = "4111 1111 1111 1111"
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJwbGFudGVkIn0.cGxhbnRlZC1zaWduYXR1cmU"
PASSWORD = "hunter2-planted"
SESSION = "s3ss10n-planted"
TELLING = (EMAIL, PHONE, PHONE.replace(" ", ""), CARD, CARD.replace(" ", ""), TOKEN)
"""Known for what they are wherever they stand."""
NAMED = {
    "password": PASSWORD,
    "user[password]": PASSWORD,
    "PHPSESSID": SESSION,
    "session_id": SESSION,
    "access_token": "t0ken-planted",
    "otp": "424242-planted",
    "ticket": "ST-1-planted",
    "SAMLResponse": "PHNhbWw-planted",
    "verification_code": "planted",
    "X-Api-Key": "planted",
    "connect.sid": SESSION,
    "email": "planted",
    "first_name": "planted",
}
"""Known by the name of what holds them."""
_TRACES = ("planted", "1715550123", "4111111111111111", "cgxhbnrlzc1zawduyxr1cmu")


def every_digit_encoded(text: str) -> str:
    return "".join(f"%{ord(letter):02X}" for letter in text)


ENCODINGS = (
    lambda text: text.replace(" ", "%20"),
    lambda text: quote(text, safe=""),
    lambda text: quote(quote(text, safe=""), safe=""),
    every_digit_encoded,
    lambda text: quote(text, safe="").replace("%20", "+"),
)
"""How a secret may stand in an address."""


def leaks(output: str) -> list[str]:
    """Names the secrets of which there is a trace in an output, however it is encoded."""
    found: set[str] = set()
    text = output.lower()
    for _ in range(4):
        together = re.sub(r"[\s()/+.-]", "", text)
        found.update(trace for trace in _TRACES if trace in text or trace in together)
        text = unquote(text).lower()
    return sorted(found)
