"""What gives somebody away: values, names of parameters, cards in rows of digits."""

from __future__ import annotations

import re
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.secrets import TOKEN

from hooktail.extract.personal import _has_card, _is_card, _luhn, kind_of, reveals
from hooktail.extract.privacy import Scrubber
from hooktail.extract.telling_names import name_kind


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("me@b.example", "email"),
        ('{"who":"me.you+tag@b.co.example"}', "email"),
        ("mailto:me@b.example", "email"),
        ("ü@bücher.example", "email"),
        ("me@b.xn--p1ai", "email"),
        ("me@b.example-1", "email"),
        ("me@b.example_x", "email"),
        ("me@b.example2", "email"),
        ("me@b.co.example-", "email"),
        ("+49 170 1234567", "phone"),
        ("call +1 (555) 010-9999 now", "phone"),
        ("+49 170/1234567", "phone"),
        ("+49+(170)+1234567", "phone"),
        ("+49/170/1234567", "phone"),
        ("+49\u00a0170\u00a01234567", "phone"),
        ("+49 170\u20131234567", "phone"),
        ("\uff0b\uff14\uff19 170 1234567", "phone"),
        ("me\uff20b.example", "email"),
        ("me(at)b.example", "email"),
        ("write to me [AT] b.example", "email"),
        ("4111.1111.1111.1111", "card"),
        ("4111/1111/1111/1111", "card"),
        ("4111_1111_1111_1111", "card"),
        ("4111++1111++1111++1111", "card"),
        ("4111\u00a01111\u00a01111\u00a01111", "card"),
        ("4111\u20131111\u20131111\u20131111", "card"),
        ("4111  1111  1111  1111", "card"),
        ("3782.822463.10005", "card"),
        ("\uff14\uff11\uff11\uff11 1111 1111 1111", "card"),
        ("4111 1111 1111 1111", "card"),
        ("4111-1111-1111-1111", "card"),
        ("card_4111111111111111_x", "card"),
        ("2 x 5500005555555559", "card"),
        ("2 5500 0055 5555 5559 and more", "card"),
        ("378282246310005", "card"),
        ("6011000990139424", "card"),
        ("3530111333300000", "card"),
        (f"Bearer {TOKEN}", "token"),
        ("2200000000000053", "card"),
        ("2204 1201 0000 0005", "card"),
        ("x4111111111111111", "card"),
        ("4111111111111111x", "card"),
        ("card378282246310005no", "card"),
        ("Bearer abc123def456", "token"),
        ("BEARER  abc123def456", "token"),
        ("Basic amFuZTpzZWNyZXQ=", "token"),
        ("basic amFuZTpzZWNyZXQ", "token"),
        ('"jane doe"@mail.example', "email"),
        ('from "jane.doe"@mail.example', "email"),
        ("jane\\u0040mail.example", "email"),
        ("jane\\\\u0040mail.example", "email"),
        ("jane\\x40mail.example", "email"),
        ("JANE\\U0040MAIL.EXAMPLE", "email"),
        ("jane@[192.0.2.1]", "email"),
        ("jane@[IPv6:2001:db8::1]", "email"),
        ("\\u002b491701234567", "phone"),
    ],
)
def test_what_gives_somebody_away_is_found(text: str, kind: str) -> None:
    assert kind_of(text) == kind


@pytest.mark.parametrize(
    "text",
    [
        "pkg@1.2.3",
        "@handle",
        "a@b",
        "logo@2x",
        "1+1=2",
        "a+4917012345678",
        "search+20240115",
        "4111 1111 1111 1112",
        "1705314600123",
        "4006381333931",
        "23850000000000000",
        "353011133330000012345",
        "GA1.2.1234567890.1705314600",
        "4111.1111.1111.1112",
        "1234.5678.9012.3456.7890",
        "2024/0115/1030/0000",
        "+1/2",
        "fb.1.1705314600123.1234567890",
        "12345678-1234-4123-8123-123456789012",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "eyJ",
        "eyJhbGci.x.y",
        "meet (at) noon",
        "f(at)x",
        "2205000000000007",
        "x4111111111111112",
        "x1111111111111117",
        "x41111111111111110",
        "65f1a4111111111111111bcd",
        "9f86d4111111111111111a2feaa0c55a",
        "Basic membership",
        "Basic TshirtXXL2024",
        "bearer of bad news",
        "forbearer abc123def456",
        '{"brand":"@shop.example"}',
        '["a", "@shop.example"]',
        '[" a ", "@shop.example"]',
        "C:\\u2\\x4",
        "\\ud83d\\udc4d",
    ],
)
def test_what_only_looks_like_it_is_not(text: str) -> None:
    assert kind_of(text) is None


@pytest.mark.parametrize(
    "name",
    ["userEmail", "newPassword", "resetToken", "billing-phone", "user[email]", "card_number",
     "e%2Dmail", "X-Auth-Token", "OTP", "id_token",
     "password1", "password2", "new_password1", "csrfmiddlewaretoken", "userpassword",
     "loginpassword", "onetimepassword", "tokens", "token1", "resettoken", "oauthtoken",
     "sessiontoken", "apitoken", "usertoken", "logintoken", "clientsecret", "activation_key",
     "license_key", "sessid", "sess_id", "usersession", "ASPSESSIONIDABCD", "CFTOKEN",
     "wordpress_logged_in_1f2e", "totp", "otpcode", "mfa_code", "pincode", "verifycode",
     "X-Amz-Credential", "bearer", "hmac", "cc_number", "ccnumber", "cvv2", "amp;sessionid",
     "amp;api_key", "amp;amp;state", "user_pass", "pass%2577ord", "googleApiKey"],
)  # fmt: skip
def test_names_of_secrets_tell(name: str) -> None:
    assert name_kind(name) in ("secret", "personal")
    assert Scrubber().query(f"{name}=x&a=1") == "a=1"


@pytest.mark.parametrize(
    "name",
    ["useremail", "customeremail", "email1", "email2", "contactemail", "phone1", "mobile_number",
     "homephone", "billing_first_name", "billing[first_name]", "shipping_name", "customer_name",
     "your-name", "billing_address_1", "address_line1", "home_address", "contact.name",
     "customer[address][street]", "newEmail", "amp;email"],
)  # fmt: skip
def test_names_of_what_is_personal_tell_whosever_it_is(name: str) -> None:
    assert name_kind(name) == "personal"


@pytest.mark.parametrize(
    "name",
    ["utm_source", "utm_email", "amp;utm_campaign", "gclid", "product_name", "campaign_name",
     "item_name", "filename", "hostname", "category_name", "brandname", "product_code",
     "shipping_state", "coupon_code", "promo", "page", "sort_key", "keyword", "keywords",
     "headphone", "smartphone", "new", "work", "home", "member", "newsletter", "shipping",
     "contact", "q", "tab", "laptop", "option", "authors", "passenger", "passes",
     "account_type", "user_id", "mailing",
     "cell", "design", "side", "street_style_x", "pinned", "statement", "address_book", "postcode",
     "payment_method", "delivery_date", "work_type", "login", "order", "customer_group"],
)  # fmt: skip
def test_names_that_shops_and_campaigns_need_do_not(name: str) -> None:
    assert name_kind(name) == ""


@pytest.mark.parametrize(
    "name", ["iPhone", "microphone", "emails_x2", "tokenize", "promo_code", "cc", "utm_token"]
)
def test_parts_of_words_do_not(name: str) -> None:
    assert name_kind(name) in ("", "personal") if name == "iPhone" else not name_kind(name)


@pytest.mark.parametrize(
    "text",
    [
        "me%40b.example",
        "me%2540b.example",
        "%6De@b.example",
        "/login?token=abc",
        "https%3A%2F%2Fa.example%2F%3Fpassword%3Dx",
        "a=1;session=x",
        "%7B%22a%22:%22jane%5Cu0040mail.example%22%7D",
        "Bearer%20abc123def456",
        "Basic+amFuZTpzZWNyZXQ=",
        "jane@%5B192.0.2.1%5D",
        "x%34111111111111111",
        "%34111111111111111",
    ],
)
def test_encoding_hides_nothing(text: str) -> None:
    assert reveals(text)


def has_card_by_trying(row: str) -> bool:
    """Whether any groups in a row are a card's number, each tried on its own."""
    groups = re.split("[ -]", row)
    return any(
        _is_card("".join(groups[first:last]))
        for first in range(len(groups))
        for last in range(first + 1, min(first + 19, len(groups)) + 1)
    )


DIGITS = st.text("0123456789", min_size=1, max_size=19)
CARDS = st.sampled_from(
    ["4111111111111111", "378282246310005", "36148900647913", "6759649826438453",
     "2200000000000053", "6304000000000000000", "4000000000000000006", "5018000000000009",
     "3530111333300000"]
)  # fmt: skip
ROWS = st.lists(
    DIGITS
    | CARDS
    | CARDS.flatmap(lambda card: st.sampled_from(["-", " "]).map(lambda by: by.join(card))),
    min_size=1,
    max_size=8,
).flatmap(lambda groups: st.sampled_from(["-", " ", ""]).map(lambda by: by.join(groups)))


@settings(max_examples=500, deadline=None)
@given(ROWS)
def test_cards_are_found_in_rows_as_by_trying_all(row: str) -> None:
    assert _has_card(row) == has_card_by_trying(row)


@given(st.text("0123456789", min_size=1, max_size=20))
def test_the_check_digit_is_that_of_iso_7812(number: str) -> None:
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(number))]

    assert _luhn(number) == (sum(sum(divmod(each, 10)) for each in doubled) % 10 == 0)


@pytest.mark.parametrize(
    "piece", ["4-", "4 ", "5-0-", "6-3-", "6-7-", "5018-", "4444 4444 ", "2-2-"]
)
def test_rows_of_digits_take_time_by_their_length_alone(piece: str) -> None:
    """Four times as long takes four times as long, and not sixteen: trying all would."""

    def spent_s(length: int) -> float:
        text = piece * (length // len(piece))
        fastest_s = float("inf")
        for _ in range(5):
            began_s = process_time()
            kind_of(text)
            fastest_s = min(fastest_s, process_time() - began_s)
        return fastest_s

    assert spent_s(8192) < 8 * spent_s(2048)
