"""The IBM Telco file as a book of accounts. What it lacks is made up from the row's number and columns, always the same; see README.md."""

import gzip
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import BinaryIO, Final

from playbook_dsl.timing.moments import add_months
from storage.csv_records import Record
from storage.tables import Person

FILE: Final = Path(__file__).with_name("wa_telco_churn.csv.gz")

_NEEDS: Final = frozenset({"churn", "tenure", "contract", "monthly_charges", "total_charges", "internet_service", "payment_method"})
_SERVICES: Final[Mapping[str, str]] = {
    "phone_service": "phone",
    "multiple_lines": "several lines",
    "online_security": "security",
    "online_backup": "backup",
    "device_protection": "device protection",
    "tech_support": "support",
    "streaming_tv": "tv",
    "streaming_movies": "movies",
}
_TERM_MONTHS: Final = {"Month-to-month": 1, "One year": 12, "Two year": 24}
_WHERE: Final = (("US", "America/New_York"), ("DE", "Europe/Berlin"), ("GB", "Europe/London"), ("FR", "Europe/Paris"), ("JP", "Asia/Tokyo"))
_FIRST: Final = [
    "Harbor",
    "Summit",
    "Cedar",
    "Granite",
    "Meadow",
    "Falcon",
    "Amber",
    "Northern",
    "Silver",
    "Crescent",
    "Juniper",
    "Atlas",
    "Beacon",
    "Copper",
    "Delta",
    "Ember",
    "Fjord",
    "Golden",
    "Horizon",
    "Iris",
]
_SECOND: Final = [
    "Freight",
    "Clinics",
    "Foods",
    "Energy",
    "Robotics",
    "Textiles",
    "Media",
    "Marine",
    "Optics",
    "Software",
    "Paper",
    "Travel",
    "Metals",
    "Housing",
    "Gardens",
    "Music",
    "Water",
    "Print",
]
_THIRD: Final = [
    "Inc",
    "Ltd",
    "Group",
    "Partners",
    "Works",
    "House",
    "Union",
    "Labs",
    "Lines",
    "Hall",
    "Point",
    "Yard",
    "Bridge",
    "Court",
    "Mills",
    "Park",
    "Gate",
    "Field",
    "Port",
    "Square",
]
_GIVEN: Final = [
    "Ada",
    "Ben",
    "Carla",
    "David",
    "Elif",
    "Farid",
    "Greta",
    "Hugo",
    "Ines",
    "Jonas",
    "Kemal",
    "Lena",
    "Mika",
    "Nora",
    "Omar",
    "Pia",
    "Quinn",
    "Rosa",
    "Samir",
    "Tara",
]
_FAMILY: Final = [
    "Arslan",
    "Berg",
    "Costa",
    "Diaz",
    "Ekman",
    "Fischer",
    "Grant",
    "Hansen",
    "Ito",
    "Jansen",
    "Kowalski",
    "Lindt",
    "Moreau",
    "Novak",
    "Okafor",
    "Petrov",
    "Rossi",
    "Sato",
    "Turner",
    "Weber",
]
_HEADER: Final = (
    *("id", "name", "status", "tier", "segment", "country", "zone", "currency", "mrr", "csm", "renewal_date", "tags"),
    *("contact_name", "contact_email", "contact_roles", "contact_zone"),
    *("contract.type", "contract.start_date", "contract.end_date", "contract.term_months", "contract.notice_days", "contract.auto_renew"),
    *("health.score", "health.band", "risk.score", "risk.level", "risk.top_factors", "usage.adoption_score"),
    *("tenure", "contract", "services", "internet_service", "payment_method", "paperless_billing", "total_charges"),
)
_PEOPLE: Final = (
    Person(id="vera", name="Vera Blum", email="vera@team.example", roles=["vp_cs", "cs_ops_lead"]),
    Person(id="omar", name="Omar Haddad", email="omar@team.example", roles=["cs_manager"], manager="vera", zone="Europe/Berlin"),
    Person(id="june", name="June Park", email="june@team.example", roles=["cs_manager"], manager="vera", zone="America/New_York"),
    Person(id="maria", name="Maria Lopez", email="maria@team.example", roles=["csm"], teams=["emea-cs"], manager="omar"),
    Person(id="tom", name="Tom Eriksen", email="tom@team.example", roles=["csm"], teams=["emea-cs"], manager="omar"),
    Person(id="aiko", name="Aiko Mori", email="aiko@team.example", roles=["csm"], teams=["emea-cs", "apac-cs"], manager="omar"),
    Person(id="ruth", name="Ruth Adler", email="ruth@team.example", roles=["csm"], teams=["us-cs"], manager="june"),
    Person(id="sam", name="Sam Porter", email="sam@team.example", roles=["csm"], teams=["us-cs"], manager="june"),
    Person(id="bill", name="Bill Okoye", email="bill@team.example", roles=["billing", "finance"], teams=["billing"], manager="june"),
    Person(id="noor", name="Noor Bakker", email="noor@team.example", roles=["support_lead"], teams=["support"], manager="vera"),
    Person(id="iris", name="Iris Novak", email="iris@team.example", roles=["onboarding"], teams=["onboarding"], manager="omar"),
)
_CSMS: Final[Mapping[str, tuple[str, ...]]] = {"US": ("ruth", "sam"), "JP": ("aiko",)}
_EMEA: Final = ("maria", "tom", "aiko")


@dataclass(frozen=True)
class Mapped:
    """A file whose columns are rewritten into those of an accounts file."""

    header: list[str]
    people: tuple[Person, ...]
    types: Mapping[str, str]

    def fits(self, names: Sequence[str]) -> bool:
        """Say whether these are the columns of the file."""
        return set(names) >= _NEEDS and "id" not in names

    def rewrite(self, names: Sequence[str], rows: Iterator[Record], today: date) -> Iterator[Record]:
        """Give the rows as those of an accounts file; the line numbers stay those of the file."""
        for number, row in enumerate(rows, start=1):
            if row.wrong is not None or len(row.cells) != len(names):
                yield row
                continue
            customer = dict(zip(names, row.cells, strict=True))
            try:
                cells = _account(number, customer, today)
            except (KeyError, ValueError):
                yield Record(row.line, row.cells, "it is no row of the Telco file: contract, tenure or charges cannot be read")
                continue
            yield Record(row.line, [cells[name] for name in _HEADER])


TELCO: Final = Mapped(
    header=list(_HEADER),
    people=_PEOPLE,
    types={"services": "list of text", "total_charges": "money", "paperless_billing": "bool", "contract": "text", "tenure": "number"},
)


def open_sample() -> BinaryIO:
    """Give the file that ships with the product, unpacked."""
    return io.BytesIO(gzip.decompress(FILE.read_bytes()))


def _account(number: int, customer: Mapping[str, str], today: date) -> dict[str, str]:
    charges, tenure = float(customer["monthly_charges"]), int(customer["tenure"])
    country, zone = _WHERE[number * 7 % len(_WHERE)]
    given, family = _GIVEN[number % len(_GIVEN)], _FAMILY[number // len(_GIVEN) % len(_FAMILY)]
    name = _name(number)
    csms = _CSMS.get(country, _EMEA)
    services = [word for column, word in _SERVICES.items() if customer[column] in ("Yes", "1")]
    health, factors = _health(customer, tenure, services)
    return {
        "id": f"T-{number:05d}",
        "name": name,
        "status": "churned" if customer["churn"] == "1" else "active",
        "tier": "starter" if charges < 35 else "growth" if charges < 75 else "enterprise",
        "segment": "digital" if customer["internet_service"] != "No" else "classic",
        "country": country,
        "zone": zone,
        "currency": "USD",
        "mrr": customer["monthly_charges"],
        "csm": csms[number % len(csms)],
        "tags": "paperless" if customer["paperless_billing"] == "1" else "",
        "contact_name": f"{given} {family}",
        "contact_email": f"{given}.{family}@{name.lower().replace(' ', '-')}.example".lower(),
        "contact_roles": "champion;primary_contact",
        "contact_zone": zone,
        "health.score": str(health),
        "health.band": "green" if health >= 65 else "yellow" if health >= 40 else "red",
        "risk.score": str(100 - health),
        "risk.level": "low" if health >= 65 else "medium" if health >= 40 else "high",
        "risk.top_factors": ";".join(factors),
        "usage.adoption_score": str(round(100 * len(services) / len(_SERVICES))),
        "tenure": str(tenure),
        "contract": customer["contract"],
        "services": ";".join(services),
        "internet_service": customer["internet_service"],
        "payment_method": customer["payment_method"],
        "paperless_billing": "yes" if customer["paperless_billing"] == "1" else "no",
        "total_charges": customer["total_charges"],
    } | _contract(customer["contract"], tenure, number, today)


def _contract(kind: str, tenure: int, number: int, today: date) -> dict[str, str]:
    """The contract began `tenure` months ago, on a day of the month of its own, and is renewed at the end of each term."""
    term = _TERM_MONTHS[kind]
    began = add_months(today.replace(day=1 + number % 28), -tenure)
    terms = max(1, -(-tenure // term))
    ends = add_months(began, terms * term)
    if ends <= today:
        ends = add_months(began, (terms + 1) * term)
    return {
        "renewal_date": ends.isoformat(),
        "contract.type": kind,
        "contract.start_date": began.isoformat(),
        "contract.end_date": ends.isoformat(),
        "contract.term_months": str(term),
        "contract.notice_days": "14" if term == 1 else "60",
        "contract.auto_renew": "yes",
    }


def _health(customer: Mapping[str, str], tenure: int, services: Sequence[str]) -> tuple[int, list[str]]:
    """Give health from 0 to 100, and what takes most from it, the heaviest first. Whether the customer left plays no part."""
    weights = {
        "month-to-month contract": -22 if customer["contract"] == "Month-to-month" else 0,
        "customer for less than a year": -18 if tenure < 12 else 0,
        "no technical support": -10 if "support" not in services else 0,
        "no online security": -8 if "security" not in services else 0,
        "pays by electronic check": -10 if customer["payment_method"] == "Electronic check" else 0,
        "fiber line": -7 if customer["internet_service"] == "Fiber optic" else 0,
        "few services": -6 if len(services) < 2 else 0,
    }
    score = 88 + sum(weights.values()) + min(tenure, 48) // 4
    against = sorted((weight, words) for words, weight in weights.items() if weight)
    return max(1, min(99, score)), [words for _, words in against[:3]]


def _name(number: int) -> str:
    """Give a name of its own to each of up to 7,200 rows."""
    # 20 * 18 * 20 names; 1,009 shares no factor with 7,200, so every number up to that has another one.
    place = number * 1_009 % (len(_FIRST) * len(_SECOND) * len(_THIRD))
    place, third = divmod(place, len(_THIRD))
    first, second = divmod(place, len(_SECOND))
    return f"{_FIRST[first]} {_SECOND[second]} {_THIRD[third]}"
