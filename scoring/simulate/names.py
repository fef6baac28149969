"""Names of companies and people, made up."""

from typing import Final

_FIRST: Final = (
    *("Aldine", "Birch", "Cobalt", "Dune", "Elm", "Fennel", "Gable", "Hollow", "Indigo", "Jasper", "Kestrel", "Larch", "Mistral"),
    *("Nimbus", "Orchard", "Pebble", "Quarry", "Ridge", "Saffron", "Thistle", "Umber", "Verdant", "Willow", "Yarrow", "Zephyr"),
)
_SECOND: Final = (
    *("Analytics", "Brewing", "Capital", "Dental", "Education", "Finance", "Glass", "Health", "Insurance", "Labs", "Logistics"),
    *("Mobility", "Networks", "Oil", "Pharma", "Retail", "Security", "Telecom", "Utilities", "Ventures"),
)
_THIRD: Final = ("AG", "Co", "Corp", "Group", "GmbH", "Holdings", "Inc", "Ltd", "Partners", "SA", "Systems", "Works")
_GIVEN: Final = (
    *("Alba", "Boris", "Chen", "Dana", "Emil", "Fatima", "Goran", "Hana", "Ivo", "Jana", "Kofi", "Lucia", "Milan", "Nadia", "Otto"),
    *("Priya", "Rafael", "Sofia", "Theo", "Uma", "Viktor", "Wanda", "Yusuf", "Zoe"),
)
_FAMILY: Final = (
    *("Adeyemi", "Bauer", "Castro", "Dubois", "Eriksson", "Ferrari", "Gupta", "Horvat", "Ivanov", "Jensen", "Klein", "Larsen"),
    *("Mendes", "Nowak", "Olsen", "Pereira", "Quist", "Rahman", "Santos", "Tanaka", "Ueda", "Vogel", "Wagner", "Yilmaz", "Zhang"),
)


def company(number: int) -> str:
    """Give a name: of its own for each of 6,000 numbers, with a further number after that."""
    count = len(_FIRST) * len(_SECOND) * len(_THIRD)
    # 1,009 shares no factor with 6,000, so every number up to that has another name.
    again, place = number // count, number * 1_009 % count
    place, third = divmod(place, len(_THIRD))
    first, second = divmod(place, len(_SECOND))
    return " ".join([_FIRST[first], _SECOND[second], _THIRD[third], *([str(again + 1)] if again else [])])


def person(number: int) -> str:
    """Give a person's name; there are 600."""
    place = number * 211 % (len(_GIVEN) * len(_FAMILY))
    return f"{_GIVEN[place % len(_GIVEN)]} {_FAMILY[place // len(_GIVEN)]}"
