"""Random well-typed expressions, as text."""

from __future__ import annotations

from hypothesis import strategies as st

from playbook_dsl.expressions.canonical import write_value

Sources = st.SearchStrategy[str]

_NUMBERS = ("account.seats", "account.used", "account.rate", "health.score", "account.custom.x")
_TEXTS = ("account.name", "account.tier", "health.band", "account.currency")
_MONEYS = ("account.mrr", "account.arr", "health.spend")
_DATES = ("account.signed_on", "account.renewal_date", "health.seen_on", "today")
_MOMENTS = ("account.created_at", "account.login_at", "health.seen_at", "now")
_BOOLS = ("account.is_partner", "health.hot")
_LISTS = ("account.tags", "health.labels")
_ANYS = ("account.custom.x", "account.custom.y")
_ORDERINGS = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])

number_literals = st.sampled_from(["0", "1", "2", "3", "0.5", "2.5", "0.1", "10", "1000", "99.995", "1000000000000"])
text_literals = st.sampled_from(["", "a", "A", "growth", "Ä", "ß", "ζ", "it's", 'say "hi"', "zz", "日本", "b"]).map(write_value)
money_literals = st.sampled_from(["0 EUR", "500 EUR", "12 USD", "499.9999 EUR", "10.50 USD"])
spans = st.sampled_from(["1 day", "30 days", "2 weeks", "1 month", "3 months", "1 year", "0 days", "90 days"])
clock_spans = st.sampled_from(["2 hours", "36 hours", "10m", "30 days", "1 month", "720 hours", "1.5h"])
business_spans = st.sampled_from(["3 business days", "1 business day", "8 working hours"])


def _call(name: str, *parts: Sources) -> Sources:
    return st.tuples(*parts).map(lambda written: f"{name}({', '.join(written)})")


def _binary(left: Sources, operators: Sources, right: Sources) -> Sources:
    return st.tuples(left, operators, right).map(lambda parts: f"({parts[0]} {parts[1]} {parts[2]})")


def _choice(condition: Sources, value: Sources) -> Sources:
    return st.tuples(value, condition, value).map(lambda parts: f"({parts[0]} if {parts[1]} else {parts[2]})")


def _operations(of: str) -> Sources:
    return st.sampled_from(of.split())


def kinds(depth: int) -> dict[str, Sources]:
    """Strategies of each kind, nested at most `depth` times."""
    leaves: dict[str, Sources] = {
        "number": number_literals | st.sampled_from(_NUMBERS[:4]),
        "text": text_literals | st.sampled_from(_TEXTS),
        "money": money_literals | st.sampled_from(_MONEYS),
        "date": st.sampled_from(_DATES),
        "moment": st.sampled_from(_MOMENTS),
        "bool": st.sampled_from((*_BOOLS, "true", "false")),
    }
    if depth == 0:
        return leaves
    below = kinds(depth - 1)
    number, text, money, day, moment, truth = (below[kind] for kind in leaves)
    return {
        "number": leaves["number"] | _number(number, text, money, day, moment, truth),
        "text": leaves["text"]
        | st.one_of(
            _call("lower", text),
            _call("upper", text),
            _binary(text, st.just("+"), text),
            _call("default", text, text),
            _choice(truth, text),
        ),
        "money": leaves["money"]
        | st.one_of(
            _binary(money, _operations("+ -"), money),
            _binary(money, _operations("* /"), number),
            _call("default", money, money),
            _call("round", money),
            _choice(truth, money),
        ),
        "date": leaves["date"]
        | st.one_of(
            _binary(day, _operations("+ -"), spans),
            _binary(st.just("today"), _operations("+ -"), business_spans),
            _binary(day, _operations("+ -"), _call("days", number)),
            _call("default", day, day),
            _call("max", day, day),
            _choice(truth, day),
        ),
        "moment": leaves["moment"] | st.one_of(_binary(moment, _operations("+ -"), clock_spans), _call("default", moment, moment)),
        "bool": leaves["bool"] | conditions(below),
    }


def _number(number: Sources, text: Sources, money: Sources, day: Sources, moment: Sources, truth: Sources) -> Sources:
    return st.one_of(
        _binary(number, _operations("+ - * / %"), number),
        _binary(money, st.just("/"), money),
        number.map(lambda source: f"-({source})"),
        _call("default", number, number),
        _call("coalesce", number, number, number),
        _call("round", number),
        _call("round", number, st.sampled_from(["1", "2", "0"])),
        _call("min", number, number),
        _call("max", number, number, number),
        _call("percent_change", number, number),
        _call("percent_change", money, money),
        _call("len", text),
        _call("len", st.sampled_from(_LISTS)),
        _call("days_between", day, day),
        _call("days_between", moment, moment),
        _call("count_true", truth, truth),
        st.tuples(number, number).map(lambda parts: f"sum([{parts[0]}, {parts[1]}])"),
        st.tuples(number, number).map(lambda parts: f"max([{parts[0]}, {parts[1]}])"),
        _binary(st.sampled_from(_ANYS), _operations("+ - /"), number),
        _choice(truth, number),
    )


def conditions(below: dict[str, Sources]) -> Sources:
    """Conditions over values of `below`."""
    number, text, money, day, moment, truth = (below[kind] for kind in ("number", "text", "money", "date", "moment", "bool"))
    values = st.one_of(number, text, money, day, moment, truth)
    days = st.one_of(spans, clock_spans, business_spans, _call("days", number_literals))
    return st.one_of(
        *(_binary(value, _ORDERINGS, value) for value in (number, text, money, day, moment)),
        _binary(truth, _operations("== !="), truth),
        _binary(money, _ORDERINGS, number),
        _binary(number, _ORDERINGS, money),
        _binary(_binary(day, st.just("-"), day), _ORDERINGS, spans),
        _binary(spans, _ORDERINGS, _binary(day, st.just("-"), day)),
        _binary(_binary(st.just("account.renewal_date"), st.just("-"), st.just("today")), _ORDERINGS, days),
        _binary(_binary(moment, st.just("-"), moment), _ORDERINGS, clock_spans),
        _binary(st.sampled_from(_ANYS), _ORDERINGS, number | text | day | moment),
        _binary(text, st.sampled_from(["in", "not in"]), st.sampled_from(_LISTS)),
        st.tuples(text, st.sampled_from(["in", "not in"]), text, text).map(lambda parts: "({} {} [{}, {}])".format(*parts)),
        st.tuples(number, st.sampled_from(["in", "not in"]), number_literals, number_literals).map(
            lambda parts: "({} {} [{}, {}])".format(*parts)
        ),
        st.tuples(values | st.sampled_from(_ANYS), st.sampled_from(["is missing", "is not missing"])).map(
            lambda parts: f"({parts[0]} {parts[1]})"
        ),
        _call("contains", text, text),
        _call("contains", st.sampled_from(_LISTS), text),
        _call("starts_with", text, text),
        _call("any", truth, truth),
        _call("all", truth, truth, truth),
        _call("default", truth, truth),
        _choice(truth, truth),
        _binary(truth, _operations("and or"), truth),
        truth.map(lambda source: f"(not {source})"),
    )


booleans = conditions(kinds(2))
