"""Names that tell what they hold: of parameters, of keys of objects, of segments of paths.

It judges by words, by how a name begins and ends, and by whose it is (`billing_first_name`);
separators, case and digits at the end do not matter.
"""

from __future__ import annotations

import re
from typing import Literal, TypeAlias
from urllib.parse import unquote

NameKind: TypeAlias = 'Literal["", "personal", "secret"]'

CLICK_IDS = frozenset(
    ("gclid", "gbraid", "wbraid", "fbclid", "msclkid", "ttclid", "li_fat_id", "twclid")
)
MOST_LAYERS = 6
"""An address within an address is percent-encoded so often, with some to spare."""

# fmt: off
# Whole names, without separators and in lower case, with or without whose they are.
_PERSONAL_NAMES = frozenset((
    "name", "firstname", "lastname", "fullname", "username", "surname", "givenname",
    "middlename", "familyname", "fname", "lname", "namefirst", "namelast", "nickname",
    "address", "streetaddress", "billingaddress", "shippingaddress", "addressline", "addr",
    "street", "tel", "mobile", "msisdn", "mobilenumber", "mobileno", "cellphone", "phone",
    "phoneno", "phonenumber", "telephone", "email", "mail", "mailaddress", "birthday",
    "birthdate", "dateofbirth", "dob",
))
_SECRET_NAMES = frozenset((
    "key", "sid", "sess", "sig", "pwd", "pswd", "pass", "auth", "oauth", "ssn", "pin", "pincode",
    "passcode", "invite", "invitation", "samlresponse", "samlrequest", "assertion",
    "oauthverifier", "xapikey", "connectsid", "cfid", "otpcode", "cvvcode",
))
# These are a product's, or a country's, as soon as they are somebody's.
_SECRET_ALONE = frozenset(("code", "state", "ticket", "authcode", "oauthstate"))
_OWNERS = (
    "user", "customer", "client", "contact", "billing", "shipping", "delivery", "invoice",
    "payment", "payer", "buyer", "home", "work", "office", "member", "account", "guest",
    "login", "recipient", "sender", "receiver", "owner", "person", "personal", "patient",
    "student", "employee", "subscriber", "primary", "secondary", "current", "confirm", "repeat",
    "old", "new", "your", "my", "address",
)
# Words that tell wherever they stand in a name: `user[email]`, `access_token`, `billing-phone`.
_PERSONAL_WORDS = frozenset((
    "email", "mail", "phone", "telephone", "emailaddress", "phonenumber",
))
_SECRET_WORDS = frozenset((
    "passphrase", "pw", "secret", "secrets", "signature", "session", "otp", "totp", "jwt", "bearer",
    "hmac", "mfa", "authorization", "credential", "credentials", "cvv", "cvc", "cardnumber",
    "creditcard", "iban",
))
# What a name contains, begins with and ends with, without separators.
_SECRET_PARTS = ("password", "passwd")
_SECRET_BEGINNINGS = ("aspsessionid", "wordpressloggedin")
_SECRET_ENDINGS = (
    "clientsecret", "appsecret", "sessid", "sessionid", "usersession", "loginsession",
    "ccnumber", "ccnum", "cardnumber", "cardno", "apikey", "authkey", "accesskey", "secretkey",
    "privatekey", "activationkey", "licensekey", "resetkey", "sessionkey", "signingkey",
    "encryptionkey", "consumerkey", "verificationcode", "verifycode", "confirmationcode",
    "activationcode", "securitycode", "resetcode", "onetimecode", "mfacode", "invitecode",
    "invitationcode",
)
_TOKEN_ENDINGS = ("token", "tokens", "secret")
_EMAIL_ENDING = "email"
# Beyond doubt, within an object too; there `code` and `key` may be a product's.
_SECRET_KEYS = frozenset((
    "passphrase", "pw", "pwd", "secret", "secrets", "otp", "totp", "jwt", "authorization", "bearer",
    "cvv", "cvc", "cardnumber", "creditcard", "iban",
))
_KEY_ENDINGS = (
    "clientsecret", "ccnumber", "cardno", "apikey", "authkey", "accesskey", "secretkey",
    "privatekey", "signingkey", "encryptionkey",
)
_SESSION_KEYS = frozenset((
    "session", "sessionid", "sid", "phpsessid", "jsessionid", "sessid", "signature",
))
_SESSION_SEGMENTS = frozenset(
    ("sid", "sessionid", "phpsessid", "jsessionid", "apikey", "magiclink", "passwordreset")
)
_SECRET_SEGMENTS = frozenset(("password", "passwd", "token", "otp", "jwt"))
_MOST_WORDS = 2
# What follows these is a secret only if it looks like one: a slug or an order may follow as well.
_LINK_WORDS = frozenset((
    "reset", "confirm", "confirmation", "verify", "verification", "validate", "validation",
    "activate", "activation", "invite", "invites", "invitation", "invitations", "accept",
    "unsubscribe", "optout", "optin", "recover", "recovery", "forgot", "password", "passwords",
))
_MOST_LINK_WORDS = 3
_MAGIC = frozenset(("magic", "magiclink", "magiclinks", "magiclogin", "magicsignin", "magicauth"))
# fmt: on

_HUMP = re.compile(r"(?<=[a-z][a-z0-9])(?=[A-Z])")
_WORD = re.compile(r"[^\W_]+")
_ESCAPED = re.compile(r"(?:amp;)+", re.IGNORECASE)
_DIGITS = "0123456789"


def decoded(text: str) -> str:
    """Returns a text percent-decoded until nothing changes, or `MOST_LAYERS` times."""
    for _ in range(MOST_LAYERS):
        if "%" not in text:
            break
        before, text = text, unquote(text, errors="replace")
        if text == before:
            break
    return text


def name_kind(name: str) -> NameKind:
    """Says what a parameter of this (raw) name is likely to hold; `""` for nothing of the kind."""
    text = decoded(name.replace("+", " "))
    escaped = _ESCAPED.match(text)
    if escaped is not None:  # `&amp;name=`: an address that was copied out of a page
        text = text[escaped.end() :]
    lower = text.lower()
    if lower.startswith("utm_") or lower in CLICK_IDS:
        return ""
    words, joined = _words(text)
    own = _without_owners(joined)
    if (
        joined in _SECRET_ALONE
        or own in _SECRET_NAMES
        or joined in _SECRET_NAMES
        or joined.startswith(_SECRET_BEGINNINGS)
        or joined.endswith(_SECRET_ENDINGS)
        or not _SECRET_WORDS.isdisjoint(words)
        or _is_password_or_token(words, joined)
    ):
        return "secret"
    if (
        own in _PERSONAL_NAMES
        or joined in _PERSONAL_NAMES
        or not _PERSONAL_WORDS.isdisjoint(words)
        or any(word.endswith(_EMAIL_ENDING) for word in words)
    ):
        return "personal"
    return ""


def is_secret_key(name: str) -> bool:
    """Whether a key within an object holds a secret beyond doubt (`code` may be a product's)."""
    words, joined = _words(name)
    return (
        not _SECRET_KEYS.isdisjoint(words)
        or joined.endswith(_KEY_ENDINGS)
        or _is_password_or_token(words, joined)
    )


def is_session_key(name: str) -> bool:
    """Whether a key within an object holds a session, or a signature."""
    return not _SESSION_KEYS.isdisjoint(_words(name)[0])


def is_personal_key(name: str) -> bool:
    """Whether a key within an object holds an e-mail address or a phone number."""
    words, _ = _words(name)
    return not _PERSONAL_WORDS.isdisjoint(words) or any(
        word.endswith(_EMAIL_ENDING) for word in words
    )


def is_telling_key(name: str) -> bool:
    """Whether a key within an object tells at all; `name` and `state` may be a product's."""
    return is_secret_key(name) or is_session_key(name) or is_personal_key(name)


def names_secret(segment: str) -> bool:
    """Whether a segment says so of the next: `token`, `reset-password`, not `the-token-economy`."""
    words = _words_of(segment)
    if "".join(words) in _SESSION_SEGMENTS:
        return True
    return len(words) <= _MOST_WORDS and words[-1:] != [] and words[-1] in _SECRET_SEGMENTS


def _words_of(segment: str) -> list[str]:
    return _WORD.findall(_HUMP.sub(" ", decoded(segment)).lower().replace("_", " "))


def names_link(name: str) -> bool:
    """Whether a segment or a parameter may be of a link as e-mails have them: `confirm-email`."""
    words = _words_of(name)
    if len(words) > _MOST_LINK_WORDS:
        return False
    return not _LINK_WORDS.isdisjoint(words) or "".join(words) in _MAGIC


def _is_password_or_token(words: set[str], joined: str) -> bool:
    return any(part in joined for part in _SECRET_PARTS) or any(
        word.endswith(_TOKEN_ENDINGS) for word in words
    )


def _words(name: str) -> tuple[set[str], str]:
    """Returns the words of a name, by separators and by humps, and the name without separators."""
    apart = _WORD.findall(name.lower())
    joined = "".join(apart).rstrip(_DIGITS)
    both = (*apart, *_WORD.findall(_HUMP.sub(" ", name).lower()))
    return {joined, *(word.rstrip(_DIGITS) for word in both)}, joined


def _without_owners(joined: str) -> str:
    """Returns what a name says beside whose it is; `name` of `billingcontactname`."""
    while True:
        for owner in _OWNERS:
            if joined.startswith(owner) and len(joined) > len(owner):
                joined = joined[len(owner) :]
                break
        else:
            return joined
