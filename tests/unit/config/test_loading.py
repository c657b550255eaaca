"""What a right configuration becomes: sections, defaults, merged files, the account id."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hooktail import config
from hooktail.errors import ConfigError, PermissionDeniedError

ROOT = Path(__file__).parents[3]
DAY_S = 86_400.0
SMALL = """
[destination.default]
account_id = "acc-1"
[[source]]
name = "shop"
paths = ["/var/log/shop.log"]
"""
FULL = """
state_dir = "/srv/state"

[destination.default]
account_id = "acc-4711"
endpoint = "https://listen.audiohook.com/{account_id}/pixel.png"
payload = "flat"

[delivery]
concurrency = 64
drain_timeout_s = 20
workers = 1

[status]
listen = "127.0.0.1:9178"

[[source]]
name = "shop"
paths = ["/var/log/nginx/access.log*"]
exclude = []
format = "combined"
site = "https://shop.example"
start_at = "end"
destination = "default"
max_event_age = "7d"

[[source.event]]
name = "purchase"
when = { method = "GET", path = "/checkout/success", status = "2xx" }
once_per = "order_id"
[source.event.fields]
order_id = { from = "query.order", required = true }
value = { from = "query.total", type = "number" }
currency = "USD"
"""


def loaded(folder: Path, text: str, **environ: str) -> config.Config:
    path = folder / "hooktail.toml"
    path.write_text(text)
    return config.load(path, environ=environ)


def test_a_full_file_becomes_sections(tmp_path: Path) -> None:
    result = loaded(tmp_path, FULL)

    assert result.state_dir == Path("/srv/state")
    assert result.delivery == config.DeliverySection()
    assert result.status == config.StatusSection()
    destination = result.destinations["default"]
    assert destination.url().reveal() == "https://listen.audiohook.com/acc-4711/pixel.png"
    assert result.sources == (
        config.SourceSection(
            name="shop",
            paths=("/var/log/nginx/access.log*",),
            site="https://shop.example",
            rules=(
                config.RuleSection(
                    name="purchase",
                    when={"method": "GET", "path": "/checkout/success", "status": "2xx"},
                    once_per="order_id",
                    fields=(
                        config.FieldSection(name="order_id", source="query.order", required=True),
                        config.FieldSection(name="value", source="query.total", type="number"),
                        config.FieldSection(name="currency", constant="USD"),
                    ),
                ),
            ),
        ),
    )


def test_what_is_not_given_has_its_default(tmp_path: Path) -> None:
    result = loaded(tmp_path, SMALL)

    assert result.state_dir == Path(config.DEFAULT_STATE_DIR)
    assert result.log == config.LogSection()
    assert result.sources == (config.SourceSection(name="shop", paths=("/var/log/shop.log",)),)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("90", 90.0),
        ("1.5", 1.5),
        ('"1500ms"', 1.5),
        ('"30s"', 30.0),
        ('"5m"', 300.0),
        ('"12h"', 12 * 3600.0),
        ('"7d"', 7 * DAY_S),
        ('"0"', None),
        ("0", None),
    ],
)
def test_durations_are_seconds(tmp_path: Path, written: str, seconds: float | None) -> None:
    result = loaded(tmp_path, f"{SMALL}max_event_age = {written}")

    assert result.sources[0].max_event_age_s == seconds


def test_options_of_the_format_and_the_map_are_gathered(tmp_path: Path) -> None:
    options = (
        'timezone = "UTC"\nyear = 2024\nlog_format = "%h\\t%t"\n[source.map]\nip = "client.ip"'
    )

    result = loaded(tmp_path, SMALL + options)

    assert result.sources[0].format_options == {
        "timezone": "UTC",
        "year": "2024",
        "log_format": "%h\t%t",
        "map.ip": "client.ip",
    }


def test_a_rule_without_conditions_is_allowed(tmp_path: Path) -> None:
    result = loaded(tmp_path, f'{SMALL}[[source.event]]\nname = "any"\nwhen = {{}}')

    assert result.sources[0].rules == (config.RuleSection(name="any", when={}),)


@pytest.mark.parametrize("listen", ["", "localhost:0", "[::1]:9178", "unix:/run/hooktail.sock"])
def test_listening_addresses(tmp_path: Path, listen: str) -> None:
    result = loaded(tmp_path, f'{SMALL}[status]\nlisten = "{listen}"')

    assert result.status.listen == listen


@pytest.mark.parametrize("host", ["localhost:8080", "127.8.8.8", "[::1]:80"])
def test_http_is_allowed_to_loopback(tmp_path: Path, host: str) -> None:
    text = SMALL.replace("[[source]]", f'endpoint = "http://{host}/{{account_id}}/p"\n[[source]]')

    result = loaded(tmp_path, text)

    assert result.destinations["default"].url().reveal() == f"http://{host}/acc-1/p"


def test_the_state_directory_may_come_from_the_environment(tmp_path: Path) -> None:
    both = {"HOOKTAIL_STATE_DIR": "/from/env", "STATE_DIRECTORY": "/from/systemd:/other"}

    assert loaded(tmp_path, SMALL, **both).state_dir == Path("/from/env")
    assert loaded(tmp_path, SMALL, STATE_DIRECTORY="/s/a:/s/b").state_dir == Path("/s/a")
    given = f'state_dir = "/given"\n{SMALL}'
    assert loaded(tmp_path, given, **both).state_dir == Path("/given")


def test_drop_ins_are_merged_in_the_order_of_their_names(tmp_path: Path) -> None:
    folder = tmp_path / "conf.d"
    folder.mkdir()
    (folder / "20-b.toml").write_text('[[source]]\nname = "b"\npaths = ["/b"]')
    (folder / "10-a.toml").write_text(
        '[destination.two]\naccount_id = "two"\n[delivery]\nconcurrency = 8\n'
        '[[source]]\nname = "a"\npaths = ["/a"]\ndestination = "two"'
    )
    (folder / ".10-a.toml").write_text("an editor's copy")
    (folder / "README").write_text("no TOML")

    result = loaded(tmp_path, f"{SMALL}[delivery]\nqueue_events = 10")

    assert [source.name for source in result.sources] == ["shop", "a", "b"]
    assert set(result.destinations) == {"default", "two"}
    assert result.delivery == config.DeliverySection(concurrency=8, queue_events=10)


def test_the_account_id_is_looked_for_in_a_fixed_order(tmp_path: Path) -> None:
    text = SMALL.replace('account_id = "acc-1"', "")
    folder = tmp_path / "credentials"
    folder.mkdir()
    environ = {"CREDENTIALS_DIRECTORY": str(folder)}

    def found() -> str:
        return loaded(tmp_path, text, **environ).destinations["default"].account_id.reveal()

    environ["HOOKTAIL_ACCOUNT_ID"] = "from-env"
    assert found() == "from-env"
    environ["HOOKTAIL_ACCOUNT_ID_DEFAULT"] = " from-named-env\n"
    assert found() == "from-named-env"
    (folder / "account_id").write_text("from-credential\n")
    assert found() == "from-credential"
    (folder / "account_id.default").write_text("from-named-credential")
    assert found() == "from-named-credential"
    (tmp_path / "id").write_text("\n from-file \n")
    text = SMALL.replace('account_id = "acc-1"', f'account_id_file = "{tmp_path}/id"')
    assert found() == "from-file"
    text = SMALL
    assert found() == "acc-1"


def test_only_the_default_destination_takes_the_nameless_id(tmp_path: Path) -> None:
    text = f"{SMALL}[destination.eu-west]\n"

    with pytest.raises(ConfigError, match=r"destination\.eu-west\.account_id.*ID_EU_WEST"):
        loaded(tmp_path, text, HOOKTAIL_ACCOUNT_ID="nameless")
    result = loaded(tmp_path, text, HOOKTAIL_ACCOUNT_ID_EU_WEST="west")
    assert result.destinations["eu-west"].account_id.reveal() == "west"


def test_an_id_written_into_the_endpoint_is_kept_out_of_sight(tmp_path: Path) -> None:
    endpoint = 'endpoint = "https://h.example/acc-1/x"\n[[source]]'

    result = loaded(tmp_path, SMALL.replace("[[source]]", endpoint))

    assert result.destinations["default"].url().reveal() == "https://h.example/acc-1/x"
    assert "acc-1" not in repr(result)


def test_a_refused_file_is_a_permission_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The refusal is simulated, for root may read anything."""
    path = tmp_path / "hooktail.toml"
    path.write_text(SMALL)

    def refuse(*args: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(PermissionDeniedError, match=str(path)) as caught:
        config.load(path, environ={})
    assert caught.value.exit_code == 77

    monkeypatch.undo()
    monkeypatch.setattr(os, "listdir", refuse)
    with pytest.raises(PermissionDeniedError, match=r"conf\.d"):
        config.load(path, environ={})


@pytest.mark.parametrize("name", ["hooktail.toml", "minimal-nginx.toml"])
def test_the_examples_load(name: str) -> None:
    result = config.load(ROOT / "configs" / name, environ={"HOOKTAIL_ACCOUNT_ID": "acc-1"})

    assert result.sources


def test_the_full_example_states_the_defaults() -> None:
    path = ROOT / "configs/hooktail.toml"
    result = config.load(path, environ={"HOOKTAIL_ACCOUNT_ID": "acc-1"})

    assert result.delivery == config.DeliverySection()
    assert result.status == config.StatusSection()
    assert result.log == config.LogSection()
    assert result.destinations["default"] == config.DestinationSection(
        name="default", account_id=config.Secret("acc-1")
    )
    source = result.sources[0]
    assert source == config.SourceSection(name=source.name, paths=source.paths, rules=source.rules)
