import json
from datetime import date

import pytest
from holidays import registry

from playbook_dsl.timing.errors import UnknownCountry
from playbook_dsl.timing.holidays import calendar_for, closed_days, country_code

TODAY = date(2026, 11, 23)


def test_german_holidays_of_2027() -> None:
    expected = ["01-01", "03-26", "03-29", "05-01", "05-06", "05-17", "10-03", "12-25", "12-26"]

    assert [f"{day:%m-%d}" for day in closed_days("Germany", date(2027, 1, 1), date(2027, 12, 31))] == expected


def test_a_part_of_a_country_has_its_own_holidays() -> None:
    bavarian = set(closed_days("DE-BY", date(2027, 1, 1), date(2027, 12, 31)))

    assert bavarian - set(closed_days("DE", date(2027, 1, 1), date(2027, 12, 31))) >= {date(2027, 1, 6), date(2027, 11, 1)}


def test_closed_days_of_ones_own_are_added_in_order_and_cut_to_the_dates_asked_for() -> None:
    own = [date(2026, 12, 31), date(2026, 12, 24), date(2027, 6, 1)]

    assert closed_days("DE", date(2026, 12, 24), date(2026, 12, 31), own) == tuple(date(2026, 12, day) for day in (24, 25, 26, 31))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Germany", "DE"),
        ("germany", "DE"),
        ("de", "DE"),
        ("DEU", "DE"),
        ("DE-BY", "DE-BY"),
        ("us_ca", "US-CA"),
        ("United States", "US"),
        ("USA", "US"),
        ("uk", "GB"),
        ("England", "GB-ENG"),
        ("the Netherlands", "NL"),
        ("Hong Kong", "HK"),
        ("Bosnia and Herzegovina", "BA"),
        ("Côte d'Ivoire", "CI"),
    ],
)
def test_countries_are_found_by_name_and_code(text: str, code: str) -> None:
    assert country_code(text) == code


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Germny", 'the public holidays of "Germny" are not known; did you mean "Germany"?'),
        ("Atlantis", 'write a name such as "Germany" or an ISO code such as "DE"'),
        ("DE-XX", "its parts are BB, BE, BW, BY"),
        ("XX", '"XX" are not known'),
        ("", '"" are not known'),
        ("x" * 10_000, "are not known"),
    ],
)
def test_an_unknown_country_is_refused_with_what_to_write(text: str, said: str) -> None:
    with pytest.raises(UnknownCountry) as caught:
        country_code(text)

    assert said in str(caught.value)


def test_a_calendar_takes_weekend_holidays_and_zone_along() -> None:
    calendar = calendar_for("Saudi Arabia", "Asia/Riyadh", TODAY, extra=[date(2026, 12, 31)], hours=("08:00", "16:00"))

    assert (calendar.weekend, calendar.country, calendar.zone, calendar.opens) == ((4, 5), "SA", "Asia/Riyadh", "08:00")
    assert not calendar.is_business_day(date(2026, 12, 31))
    assert calendar.covers == (date(2026, 1, 1), date(2029, 11, 23))


def test_without_country_and_zone_only_weekends_are_closed() -> None:
    calendar = calendar_for(None, "Mars/Base", TODAY)

    assert (calendar.zone, calendar.closed, calendar.weekend) == ("UTC", (), (5, 6))


def test_every_country_of_the_library_gives_a_calendar_of_under_a_kilobyte() -> None:
    sizes = {
        code: len(json.dumps(calendar_for(code, "UTC", TODAY).to_json(), separators=(",", ":")))
        for _, code, *_ in registry.COUNTRIES.values()
    }

    assert len(sizes) > 200
    assert max(sizes.values()) < 800
