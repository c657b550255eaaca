"""Sets of addresses, and the networks that a configuration names."""

from __future__ import annotations

import re
from datetime import date
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooktail.extract.addresses import address_kind
from hooktail.extract.cdn_ranges import NETWORKS
from hooktail.extract.complaints import Complaints
from hooktail.extract.networks import UNIX, named_ranges
from hooktail.extract.ranges import Network, Ranges, network, networks_of

PRESETS = Path(__file__).parents[3] / "configs/cdn"


def v4(number: int, bits: int) -> Network:
    return IPv4Network((number >> (32 - bits) << (32 - bits), bits))


def v6(number: int, bits: int) -> Network:
    return IPv6Network((number >> (128 - bits) << (128 - bits), bits))


# Few high bits vary, so that networks and addresses meet.
near_v4 = st.integers(0, 255).map(lambda low: (10 << 24) + (low << 3) + low % 8)
near_v6 = st.integers(0, 255).map(lambda low: (0x2A01 << 112) + (low << 60) + low % 8)
networks = st.builds(v4, near_v4, st.integers(18, 32)) | st.builds(
    v6, near_v6, st.integers(48, 128)
)
addresses = near_v4.map(IPv4Address) | near_v6.map(IPv6Address)


@given(st.lists(networks, max_size=12), st.lists(addresses, max_size=20))
def test_what_is_in_any_network_is_in_the_ranges_and_nothing_else(
    given_networks: list[Network], asked: list[IPv4Address | IPv6Address]
) -> None:
    ranges = Ranges(given_networks)

    for address in asked:
        expected = any(address in each for each in given_networks)
        assert (str(address) in ranges) == expected


def test_the_ends_of_a_network_belong_to_it() -> None:
    ranges = Ranges([network("10.0.0.0/8"), network("0.0.0.0/32"), network("ffff::/16")])

    assert all(ip in ranges for ip in ("10.0.0.0", "10.255.255.255", "0.0.0.0", "ffff::"))
    assert all(ip not in ranges for ip in ("9.255.255.255", "11.0.0.0", "0.0.0.1", "fffe::1"))


@pytest.mark.parametrize("text", ["", "-", "unix:", "host.example", "10.0.0.1:80", "\u0661.1.1.1"])
def test_what_is_no_address_is_in_no_ranges(text: str) -> None:
    assert text not in Ranges([network("0.0.0.0/0"), network("::/0")])


def test_a_list_may_have_comments_and_blank_lines() -> None:
    text = "# ours\n\n10.0.0.0/8  # the racks\n2a01:4f8::/32\r\n192.0.2.7\n"

    assert networks_of(text) == [
        ip_network("10.0.0.0/8"),
        ip_network("2a01:4f8::/32"),
        ip_network("192.0.2.7/32"),
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("10.0.0.1/8", "line 2: '10.0.0.1/8': has bits set behind its prefix; write 10.0.0.0/8"),
        ("10.0.0.0/33", "neither an address nor a network"),
        ("10.0.0.0/8 10.1.0.0/16", "neither"),
        ("example.org", "neither"),
    ],
)
def test_a_wrong_line_is_named(line: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason.replace("(", r"\(")):
        networks_of(f"10.0.0.0/8\n{line}\n")


def complained(*entries: str, words: tuple[str, ...] = ()) -> tuple[Ranges, list[str]]:
    complaints = Complaints("hooktail.toml", "source[shop].trusted_proxies")
    ranges = named_ranges(entries, complaints, *words)
    return ranges, [str(problem) for problem in complaints.problems]


def test_names_networks_addresses_and_files_go_together(tmp_path: Path) -> None:
    file = tmp_path / "ours.txt"
    file.write_text("198.51.100.0/24  # the new racks\n")
    file.chmod(0o644)

    ranges, problems = complained("cloudflare", "203.0.113.7", "2a01:4f8::/32", str(file), UNIX,
                                  words=(UNIX,))  # fmt: skip

    assert problems == []
    assert all(
        ip in ranges for ip in ("172.70.1.1", "203.0.113.7", "2a01:4f8::9", "198.51.100.200")
    )
    assert all(ip not in ranges for ip in ("8.8.8.8", "203.0.113.8", "198.51.101.1"))


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("cloudflair", "did you mean cloudflare?"),
        ("unix", "unknown network"),
        ("10.0.0.1/8", "write 10.0.0.0/8"),
        ("10.0.0", "10.0.0.0/8"),
        ("proxy.example", "neither an address nor a network"),
        ("/nowhere/ours.txt", "No such file"),
        ("/dev/null", "is not a regular file"),
    ],
)
def test_a_wrong_entry_is_named_with_what_is_allowed(entry: str, words: str) -> None:
    ranges, problems = complained("10.0.0.0/8", entry)

    (problem,) = problems
    assert "source[shop].trusted_proxies[1]" in problem
    assert words in problem
    assert "10.1.2.3" in ranges


def test_a_file_that_others_may_write_decides_nothing(tmp_path: Path) -> None:
    file = tmp_path / "ours.txt"
    file.write_text("0.0.0.0/0\n")
    file.chmod(0o666)

    ranges, (problem,) = complained(str(file))

    assert "chmod go-w" in problem
    assert not ranges


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "ours.txt"
    file.write_bytes(b"\xff\xfe\x00")
    file.chmod(0o644)

    assert "is not text" in complained(str(file))[1][0]


def test_the_names_are_the_files_of_the_project() -> None:
    in_files = {path.stem: networks_of(path.read_text()) for path in PRESETS.glob("*.txt")}

    assert in_files == {name: [network(text) for text in NETWORKS[name]] for name in NETWORKS}


VENDORS = sorted(NETWORKS.keys() - {"private"})


@pytest.mark.parametrize("path", sorted(PRESETS.glob("*.txt")), ids=lambda path: path.stem)
def test_a_file_says_where_its_list_is_published(path: Path) -> None:
    assert "# Published at https://" in path.read_text()


@pytest.mark.parametrize("name", VENDORS)
def test_a_vendors_file_says_how_old_it_is_and_how_to_refresh_it(name: str) -> None:
    comment = "\n".join(
        line for line in (PRESETS / f"{name}.txt").read_text().splitlines() if line[:1] == "#"
    )

    written = re.search(r"Written down: ([0-9]{4}-[0-9]{2}-[0-9]{2})", comment)
    assert written is not None
    date.fromisoformat(written[1])
    assert "To refresh" in comment
    assert f'"{name}"' in comment
    if "curl" in comment:
        assert f"> {name}.new &&" in comment
        assert f"mv {name}.new {name}.txt" in comment


@pytest.mark.parametrize("name", VENDORS)
def test_a_vendors_networks_are_public_and_its_own(name: str) -> None:
    """Who trusts a CDN trusts no private network, and no other CDN."""
    others = [each for other in NETWORKS.keys() - {name} for each in NETWORKS[other]]
    own = list(map(network, NETWORKS[name]))

    for each in own:
        assert not any(each.overlaps(other) for other in map(network, others) if same(each, other))
        assert address_kind(str(each[0])) == address_kind(str(each[-1])) == "public"
        assert each.is_global
    for one, next_one in pairwise(own):
        assert not (same(one, next_one) and one.overlaps(next_one))


def same(one: Network, other: Network) -> bool:
    return one.version == other.version


@pytest.mark.parametrize(
    ("name", "addresses"),
    [
        ("private", "10.1.2.3 172.31.255.255 192.168.1.1 127.0.0.1 100.100.0.1 ::1 fe80::1"),
        ("cloudflare", "104.16.132.229 172.67.75.166 162.159.200.1 2606:4700::6810:84e5"),
        ("cloudfront", "13.32.99.1 13.224.1.1 54.192.1.1 99.84.1.1 143.204.1.1 205.251.249.1"),
        ("fastly", "151.101.1.140 199.232.37.67 146.75.1.1 2a04:4e42::81"),
        ("google-lb", "35.191.0.1 130.211.0.1 130.211.3.255 2600:2d00:1:1::1"),
        ("imperva", "45.60.1.1 107.154.1.1 199.83.128.1 2a02:e980::1"),
        ("sucuri", "192.88.134.1 192.88.135.9 185.93.228.1 2a02:fe80::1"),
    ],
)  # fmt: skip
def test_well_known_addresses_are_found_under_their_name(name: str, addresses: str) -> None:
    ranges, problems = complained(name)

    assert problems == []
    assert [ip for ip in addresses.split() if ip not in ranges] == []
    elsewhere = "1.1.1.1 8.8.8.8 9.9.9.9 35.190.0.1 52.95.110.1 104.32.0.1 2001:4860:4860::8888"
    assert [ip for ip in elsewhere.split() if ip in ranges] == []


def test_no_proxy_by_name_is_everybody() -> None:
    for texts in NETWORKS.values():
        for each in map(network, texts):
            assert each.prefixlen >= (7 if each.version == 6 else 8)
            assert not any(ip_address(ip) in each for ip in ("81.2.69.142", "8.8.8.8", "9.9.9.9"))
