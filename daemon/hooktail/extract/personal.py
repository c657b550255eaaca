"""What gives a person or a secret away: by the look of a text, and by names that stand in it.

It only judges; what becomes of it is up to `privacy`. All patterns are linear in the text.
"""

from __future__ import annotations

import re
from base64 import b64decode
from itertools import accumulate
from string import hexdigits
from typing import TYPE_CHECKING, Literal, TypeAlias
from urllib.parse import unquote

from hooktail.extract.drawn import looks_drawn
from hooktail.extract.telling_names import (
    MOST_LAYERS,
    decoded,
    is_secret_key,
    is_telling_key,
    name_kind,
    names_link,
    names_secret,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Kind: TypeAlias = 'Literal["email", "phone", "card", "token"]'
# What stands before and behind an address in a text, in a query, in JSON.
_EDGE = r"\s/?&=;,:@\"'<>()\[\]{}|\\"
# It begins only where a word does and never steps back over it: linear in the length of the text.
# In a path, its halves may be segments. Before the sign it may be quoted (RFC 5321), and behind it
# stand an address in brackets; what lies between the quotes of two texts of JSON is not quoted.
_EMAIL = re.compile(
    rf"(?:(?<![^{_EDGE}])[^{_EDGE}]++|(?<![^\s=:,;<(\[{{])\"[^\s\",:][^\"]{{0,63}}+\")"
    rf"@(?:/?[^{_EDGE}]+\.(?:xn--[\w-]+|[^\W\d_]{{2,}}+)"
    r"|\[(?:[Ii][Pp][Vv]6:)?[0-9A-Fa-f.:]{3,45}\])"
)
# As people write it who do not want to be found by machines.
_AT = r" ?[(\[] ?at ?[)\]] ?"
_SPELT_EMAIL = re.compile(
    rf"(?<![^{_EDGE}])[^{_EDGE}]++{_AT}[^{_EDGE}]+\.(?:xn--[\w-]+|[^\W\d_]{{2,}}+)", re.IGNORECASE
)
_BLANKS = "\u00a0\u2007\u2009\u202f"
_DASHES = "\u2010-\u2015\u2212"
# A plus right behind a digit stands for a blank, another one begins the next number.
_WITHIN_PHONE = rf"(?:[ ()./{_BLANKS}{_DASHES}-]{{0,2}}|\)?\+[(+]?)"
_PHONE = re.compile(rf"(?<![^\W_])(?<!\+)\+[1-9](?:{_WITHIN_PHONE}[0-9]){{7,14}}(?![0-9])")
# Signed (three parts), or encrypted: then there are five, and the second may be empty (RFC 7516).
_JWT = re.compile(
    r"(?<![^\W_])eyJ[\w-]{8,2048}+\."
    r"(?:[\w-]{4,}+\.[\w-]*+(?:\.[\w-]{4,}+\.[\w-]{4,}+)?"
    r"|\.[\w-]{4,}+\.[\w-]{4,}+\.[\w-]{4,}+)"
)
# Without the header's name before them. `Basic` is Base64 of `user:password`; another word is none.
_CREDENTIALS = re.compile(
    r"[bB](?<![^\W_].)(?:(?i:earer) {1,4}(?=[\w.~+/-]{0,256}[0-9])[\w.~+/-]{8,}+=*+"
    r"|(?i:asic) {1,4}(?P<basic>[A-Za-z0-9+/_-]{6,1024}+={0,2}+))"
)
# A look behind stands behind the first character: so the engine skips quickly to where one is.
_DIGITS = re.compile(r"[0-9](?<![^\W_].)(?>(?:[ -]?[0-9]){13,})(?![^\W_])")
# Glued to letters: whole, and in no hexadecimal id.
_GLUED = re.compile(r"[2-6](?<![0-9].)[0-9]{14,15}(?![0-9])")
_SHORTEST_HEX_ID = 24
# In the groups that are printed on it, whatever stands between them.
_BETWEEN = rf"[ ./_+{_BLANKS}{_DASHES}-]{{1,2}}"
_GROUPED = re.compile(
    rf"[2-6](?<![0-9].)[0-9]{{3}}({_BETWEEN})"
    rf"(?:[0-9]{{4}}\1[0-9]{{4}}\1[0-9]{{4}}|[0-9]{{6}}\1[0-9]{{5}})(?![0-9])"
)
# Of a path. A segment `phone` or `mobile` does not make one: the number may be a product's.
_CALLED = re.compile(
    r"(?<![^\W_])(?:tel|telephone|phone[-_]?number)/"
    r"(?P<number>[0-9](?:[ ./()-]{0,2}[0-9]){6,14})(?![\w-])",
    re.IGNORECASE,
)
_LONE_CODE = re.compile(r"\+[0-9]/")
_WITH_LONE_CODE = re.compile(r"[17][0-9]{10}")
"""In zones 1 and 7 of the world's numbers, whose codes alone have one digit, all are so long."""
_FOLDED = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0xFE6B: ord("@")}
"""Fullwidth letters, digits and signs, as some keyboards write them, as plain ones."""
_FOLDABLE = "\uff01-\uff5e\ufe6b"
_ESCAPE = re.compile(r"\\{1,8}(?:[uU]([0-9a-fA-F]{4})|[xX]([0-9a-fA-F]{2}))")
"""A character as JSON, or a log, writes it: `\\u0040`, `\\x40`."""
# By what the issuers' numbers begin with, and their lengths; a check digit alone would take every
# tenth number that an application has.
_CARD = re.compile(
    r"4[0-9]{15}(?:[0-9]{3})?"
    r"|(?:5[1-5][0-9]{2}|222[1-9]|22[3-9][0-9]|2[3-6][0-9]{2}|27[01][0-9]|2720)[0-9]{12}"
    r"|3[47][0-9]{13}"
    r"|3(?:0[0-5]|[689][0-9])[0-9]{11}(?:[0-9]{2})?"
    r"|35(?:2[89]|[3-8][0-9])[0-9]{12}"
    r"|220[0-4][0-9]{12}(?:[0-9]{1,3})?"
    r"|6(?:011|22[1-9]|4[4-9][0-9]|5[0-9]{2}|2[0-9]{2})[0-9]{12}(?:[0-9]{1,3})?"
    r"|(?:5018|5020|5038|5893|6304|6759|676[1-3])[0-9]{10,15}"
)
_CARD_LENGTHS = {
    "22": range(16, 20),
    **dict.fromkeys(("23", "24", "25", "26", "27"), range(16, 17)),
    **dict.fromkeys(("30", "36", "38", "39"), range(14, 17, 2)),
    **dict.fromkeys(("34", "37"), range(15, 16)),
    "35": range(16, 17),
    **dict.fromkeys((f"4{digit}" for digit in range(10)), range(16, 20, 3)),
    **dict.fromkeys(("51", "52", "53", "54", "55"), range(16, 17)),
    **dict.fromkeys(("50", "58", "63", "67"), range(14, 20)),
    **dict.fromkeys(("60", "62", "64", "65"), range(16, 20)),
}
"""How long a card's number is that begins so: no more need be tried."""
_VALUES = bytes.maketrans(b"0123456789", bytes(range(10)))
_DOUBLED = bytes.maketrans(bytes(range(10)), bytes((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)))
"""What a digit counts in every second place (ISO/IEC 7812)."""

# A quick look goes through every text: each branch begins with what few characters are.
_MAY_BE_CARD = (
    rf"[0-9](?:[ -]?[0-9]){{3}}(?:[ -]?(?:[0-9][ -]?){{10}}|{_BETWEEN}[0-9]{{4,6}}{_BETWEEN}[0-9])"
)
_CREDENTIALS_HINT = "[bB](?i:earer|asic) "
HINT = re.compile(
    rf"[@%+/\"':(\\{_FOLDABLE}]|\[ ?[aA]|eyJ|=[^&=]*+=|{_MAY_BE_CARD}|{_CREDENTIALS_HINT}"
)
"""Found in every query that may need a closer look at its values: in all that `reveals` finds."""
_USER_INFO = re.compile(r"(:?//)(?:(?<=://)[^/?#\s]*|[^/?#\s:@]++:[^/?#\s]*)@")
_PAIR = re.compile(
    r"(?<![^/?&;#\s,{(\"'])([^\s?&;#,{}()\"'=/]++)=(?:\"[^\"]*+\"|'[^']*+'|[^\s&;#,})\"']*+)"
)
_JSON_PAIR = re.compile(
    r"([\"'])([^\"'\s:]{1,64})\1\s{0,8}:\s{0,8}"
    r"(?:\"(?>(?:[^\"\\]|\\.)*)\"|'(?>(?:[^'\\]|\\.)*)'|[^,}\]\s\"'{\[]++)"
)
# Where a word begins, behind a sign or as a hump. The first look only makes it quick.
_LINK = (
    r"(?=[acfimopruvACFIMOPRUV\u0130\u0131])(?:(?<![a-z])|(?=[A-Z]))"
    r"(?i:reset|confirm|verif|validat|activat|invit|accept|magic|unsubscribe|opt[-_]?(?:in|out)"
    r"|recover|forgot|password)"
)
_MAY_BE_LINK = re.compile(_LINK)
PATH_HINT = re.compile(
    rf"[@%+\"':;=(\\{_FOLDABLE}]|\[ ?[aA]|eyJ|{_MAY_BE_CARD}|{_CREDENTIALS_HINT}"
    # In lower case, upper case, and what else is either (long s, the sign of Kelvin).
    r"|(?=[ptojsklPTOJSKL\u017f\u212a])(?i:passw|token|otp|jwt|sid|sess|key|link)[\w.-]*+/"
    r"|(?=[tpTP])(?<![^\W_])(?i:tel(?:ephone)?|phone[-_]?number)/"
    rf"|{_LINK}"
)
"""Found in every path that may need a closer look at its segments."""
_NESTED = re.compile(r"(?:^|[/?&;#\s,{(\"'])([^\s?&;#,{}()\"'=/]++)=")
_JSON_KEY = re.compile(r"[\"']([^\"'\s]{1,64})[\"']\s{0,8}:")
_COLON = re.compile(
    r"(?<![\w-])([A-Za-z][\w-]{2,32}): ?(?:Bearer |Basic )?(?=[^\s,;]{0,256}[0-9])[^\s,;]+"
)
_USER = re.compile(r"//[^/?#\s:@]*+:[^/?#\s@]*+@")
_AUTHORITY = re.compile(r"[^@]++@")
_SEGMENT = re.compile(
    r"((?:^|/)([\w.%-]{0,40}(?:passw|token|otp|jwt|sid|sess|key|link)[\w.%-]{0,24})/)"
    r"((?=[^/\s?&;=#\"']{0,256}[0-9])[^/\s?&;=#\"']{4,}+)",
    re.IGNORECASE,
)
_REACH = 2
"""Between the name and the token of a link may stand whose it is."""
_RUN_OF_SEGMENTS = re.compile(r"(?<![^\s?&;=#\"'])[^\s?&;=#\"'/]*+/[^\s?&;=#\"']*+")
_COOKIELESS = re.compile(r"\((?:[A-Z]\([^()]{1,256}+\)){1,6}\)")
"""A session of ASP.NET in a path, `/(S(lit3py55t21z5v55vlm25s55))/`."""


def is_authority_of_user(segment: str) -> bool:
    """Whether a segment behind `//` is a host with a user before it (`//user:password@host/`)."""
    return _AUTHORITY.match(decoded(segment)) is not None


def is_told_by(segment: str, before: str) -> bool:
    """Whether the segment of a path before another says that it holds a secret (`/token/a1b2`)."""
    found = _SEGMENT.fullmatch(f"{decoded(before)}/{segment}")
    return found is not None and names_secret(found[2])


def drawn_behind_links(segments: Sequence[str]) -> set[int]:
    """Returns which segments of a path look like a token, and stand where links of e-mails do.

    That is up to two behind one that says so: `/password/reset/f3a9...`, `/reset/MQ/c9x2ab-12...`.
    """
    found: set[int] = set()
    left = 0
    for index, segment in enumerate(segments):
        if not segment:
            continue
        plain = decoded(segment.partition(";")[0])
        if left and looks_drawn(plain):
            found.add(index)  # and what follows stands where it stood
            continue
        left = _REACH if names_link(plain) else max(0, left - 1)
    return found


def split_over(segments: Sequence[str]) -> set[int]:
    """Returns which segments of a path only together give somebody away.

    They hold the groups of a card's number, of a phone's (with `+`, or behind `tel`), or the two
    halves of an e-mail address behind its `@`.
    """
    plain = [folded(decoded(segment.partition(";")[0])) for segment in segments]
    text = "/".join(plain)
    spans = [found.span() for found in _GROUPED.finditer(text) if _is_card(found[0])]
    spans += [found.span() for found in _PHONE.finditer(text) if _is_phone_in_parts(found[0])]
    spans += [found.span("number") for found in _CALLED.finditer(text)]
    spans += [found.span() for found in _EMAIL.finditer(text)]
    covered = bytearray(len(text))
    for since, to in spans:
        covered[since:to] = b"x" * (to - since)
    touched: set[int] = set()
    begin = 0
    for index, segment in enumerate(plain):
        end = begin + len(segment)
        if covered.find(b"x", begin, end) >= 0:
            touched.add(index)
        begin = end + 1
    return touched


def _is_phone_in_parts(text: str) -> bool:
    """`/+1/2024/01/15` is a date behind something else."""
    digits = re.sub("[^0-9]", "", text)
    return not _LONE_CODE.match(text) or _WITH_LONE_CODE.fullmatch(digits) is not None


def without_named(text: str, *, paths: bool = True) -> str:
    """Returns a text without the values that what stands before them calls secret or personal.

    Those are users in addresses, parameters (`token=...`), members of JSON (`"token": "..."`),
    headers (`Authorization: ...`) and, where the text may hold `paths`, segments (`/token/...`).
    What is left may be such again.
    """
    # What is shaped by its brackets first: a parameter's value may end within them.
    if "(" in text:
        text = _COOKIELESS.sub("", text)
    if paths and "/" in text:
        text = _SEGMENT.sub(lambda found: found[1] if names_secret(found[2]) else found[0], text)
        if _MAY_BE_LINK.search(text):
            text = _RUN_OF_SEGMENTS.sub(_without_drawn, text)
    if "//" in text:
        text = _USER_INFO.sub(r"\1", text)
    if ":" in text:
        text = _JSON_PAIR.sub(lambda found: "" if is_telling_key(found[2]) else found[0], text)
        text = _COLON.sub(lambda found: "" if is_secret_key(found[1]) else found[0], text)
    if "=" in text:
        text = _PAIR.sub(lambda found: "" if name_kind(found[1]) else found[0], text)
    return text


def _without_drawn(found: re.Match[str]) -> str:
    segments = found[0].split("/")
    for index in drawn_behind_links(segments):
        segments[index] = ""
    return "/".join(segments)


def folded(text: str) -> str:
    """Returns a text with plain letters, digits and signs for fullwidth and escaped ones."""
    if "\\" in text:
        text = _ESCAPE.sub(_unescaped, text)
    return text if text.isascii() else text.translate(_FOLDED)


def _unescaped(found: re.Match[str]) -> str:
    letter = chr(int(found[1] or found[2], 16))
    return letter if letter.isprintable() else found[0]


def phones_in(text: str) -> list[int]:
    """Returns where in a text phone numbers begin, each with its `+`."""
    return [found.start() for found in _PHONE.finditer(text)]


def kind_of(text: str) -> Kind | None:
    """Says what stands anywhere in a text, the worst first; nothing is percent-decoded."""
    text = folded(text)
    if "eyJ" in text and _JWT.search(text):
        return "token"
    if any(map(_is_credentials, _CREDENTIALS.finditer(text))):
        return "token"
    if (
        any(_has_card(found[0]) for found in _DIGITS.finditer(text))
        or any(_is_card(found[0]) for found in _GROUPED.finditer(text))
        or any(map(_is_glued_card, _GLUED.finditer(text)))
    ):
        return "card"
    if "@" in text and _EMAIL.search(text):
        return "email"
    if ("(" in text or "[" in text) and _SPELT_EMAIL.search(text):
        return "email"
    if ("+" in text and _PHONE.search(text)) or ("/" in text and _CALLED.search(text)):
        return "phone"
    return None


def reveals(text: str, *, paths: bool = True) -> bool:
    """Whether a text gives somebody or something away, as it is or percent-decoded.

    So does a parameter within it that is named like one that does (`/login?token=...`), and what is
    encoded so often that nobody could mean it. A `+` may be one, or a blank. Segments tell of the
    next only where the text may hold `paths`.
    """
    return _reveals(text, paths=paths) or (
        "+" in text and _reveals(text.replace("+", " "), paths=paths)
    )


def _reveals(text: str, *, paths: bool = True) -> bool:
    text = folded(text)
    for _ in range(MOST_LAYERS + 1):
        if kind_of(text) is not None or _is_named(text, paths=paths):
            return True
        if "%" not in text and "\\" not in text:
            return False
        before, text = text, folded(unquote(text, errors="replace"))
        if text == before:
            return False
    return True  # nobody encodes so often but to hide


def _is_named(text: str, *, paths: bool) -> bool:
    """Whether something in the text is called what tells."""
    if "=" in text and any(map(name_kind, _NESTED.findall(text))):
        return True
    if ":" in text and (
        any(map(is_telling_key, _JSON_KEY.findall(text)))
        or any(map(is_secret_key, _COLON.findall(text)))
        or _USER.search(text)
    ):
        return True
    if paths and "/" in text:
        if any(names_secret(found[2]) for found in _SEGMENT.finditer(text)):
            return True
        runs = _RUN_OF_SEGMENTS.finditer(text) if _MAY_BE_LINK.search(text) else ()
        if any(drawn_behind_links(found[0].split("/")) for found in runs):
            return True
    return "(" in text and _COOKIELESS.search(text) is not None


def replaced(text: str, instead: Callable[[Kind, str], str]) -> str:
    """Returns the text with all that stands in it and gives somebody away replaced."""
    text = _JWT.sub(lambda found: instead("token", found[0]), text)
    text = _CREDENTIALS.sub(
        lambda found: instead("token", found[0]) if _is_credentials(found) else found[0], text
    )
    text = _DIGITS.sub(
        lambda found: instead("card", found[0]) if _has_card(found[0]) else found[0], text
    )
    text = _GROUPED.sub(
        lambda found: instead("card", found[0]) if _is_card(found[0]) else found[0], text
    )
    text = _GLUED.sub(
        lambda found: instead("card", found[0]) if _is_glued_card(found) else found[0], text
    )
    # The spelt ones first: what is written may seem to begin at the host of one.
    text = _SPELT_EMAIL.sub(
        lambda found: instead("email", re.sub(_AT, "@", found[0], flags=re.IGNORECASE)), text
    )
    text = _EMAIL.sub(lambda found: instead("email", found[0]), text)
    text = _PHONE.sub(lambda found: instead("phone", found[0]), text)
    return _CALLED.sub(
        lambda found: found[0].removesuffix(found["number"]) + instead("phone", found["number"]),
        text,
    )


def _is_credentials(found: re.Match[str]) -> bool:
    if found["basic"] is None:
        return True
    code = found["basic"].rstrip("=").replace("-", "+").replace("_", "/")
    try:
        plain = b64decode(code + "=" * (-len(code) % 4)).decode()
    except ValueError:
        return False
    return ":" in plain and plain.isprintable()


def _is_glued_card(found: re.Match[str]) -> bool:
    """Whether digits between letters are a card's number, and no part of a long hexadecimal id."""
    if not _is_card(found[0]):
        return False
    begin, end = found.span()
    before = found.string[max(begin - _SHORTEST_HEX_ID, 0) : begin]
    behind = found.string[end : end + _SHORTEST_HEX_ID]
    around = (
        len(before) - len(before.rstrip(hexdigits)) + len(behind) - len(behind.lstrip(hexdigits))
    )
    return end - begin + around < _SHORTEST_HEX_ID


def _has_card(text: str) -> bool:
    """Looks at each row of groups that is as long as a card's number.

    Check digits come from running sums: one for numbers that end at an even place, one for odd.
    """
    groups = re.split("[ -]", text)
    digits = "".join(groups)
    places = list(accumulate(map(len, groups), initial=0))
    ends = set(places)
    values = digits.encode().translate(_VALUES)
    sums = []
    for parity in range(2):
        counted = bytearray(values)
        counted[parity::2] = counted[parity::2].translate(_DOUBLED)
        sums.append(list(accumulate(counted, initial=0)))
    for begin in places:
        for length in _CARD_LENGTHS.get(digits[begin : begin + 2], ()):
            end = begin + length
            if end in ends:
                until = sums[end % 2]
                if (until[end] - until[begin]) % 10 == 0 and _CARD.fullmatch(digits, begin, end):
                    return True
    return False


def _is_card(digits: str) -> bool:
    number = re.sub("[^0-9]", "", digits)
    return _CARD.fullmatch(number) is not None and _luhn(number)


def _luhn(number: str) -> bool:
    """Whether the check digit is right (ISO/IEC 7812)."""
    values = number.encode().translate(_VALUES)
    return (sum(values[-1::-2]) + sum(values[-2::-2].translate(_DOUBLED))) % 10 == 0
