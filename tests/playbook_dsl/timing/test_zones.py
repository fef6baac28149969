import pytest

from playbook_dsl.timing.zones import choose_zone, is_zone, suggest_zones


@pytest.mark.parametrize("name", ["Europe/Berlin", "America/Argentina/Buenos_Aires", "UTC", "Etc/GMT+5", "America/New_York"])
def test_iana_names_are_zones(name: str) -> None:
    assert is_zone(name)


@pytest.mark.parametrize(
    "name",
    [
        *("", "Berlin", "Europe", "Europe/", "europe/berlin", "../etc/passwd", "/etc/localtime", "posixrules", "right/UTC", "tzdata.zi"),
        *("Factory", "UTC\0", "X" * 5000, "CET/../UTC", "+01:00"),
    ],
)
def test_other_names_are_not(name: str) -> None:
    assert not is_zone(name)


def test_the_first_known_zone_wins_and_utc_is_the_last_resort() -> None:
    assert choose_zone([None, "", "Mars/Base", "Asia/Tokyo", "UTC"]) == "Asia/Tokyo"
    assert choose_zone([None]) == choose_zone([]) == "UTC"


@pytest.mark.parametrize(
    ("name", "expected"),
    [("europe/berlin", "Europe/Berlin"), ("Berlin", "Europe/Berlin"), ("new york", "America/New_York"), ("Europe/Berln", "Europe/Berlin")],
)
def test_a_slip_gets_a_suggestion(name: str, expected: str) -> None:
    assert suggest_zones(name)[0] == expected


def test_nonsense_gets_no_suggestion() -> None:
    assert suggest_zones("qqqqqqqq") == suggest_zones("") == []
