"""Mappings as people write them, read with the care playbooks get: every finding has its line and column."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, cast

from playbook_dsl.compose import compose, decode
from playbook_dsl.diagnostics import Diagnostic, Report, listed, render_all
from playbook_dsl.nodes import Mapping, Node, Scalar
from playbook_dsl.types import Type
from storage.custom_fields import FIELD_TYPES, type_of_field
from storage.fact_definitions import BY_PATH, STORED_ROOTS
from storage.repositories.tenants import find_tenant
from storage.session import Session
from storage.sync.mapping import (
    ACCOUNT_FIELDS,
    CONTACT_FIELDS,
    OURS,
    ChangedHere,
    FactRule,
    FieldRule,
    How,
    KindRule,
    MatchRule,
    VendorMapping,
)
from storage.sync.reading_events import Events
from storage.sync.reading_sources import SOURCE_KEYS
from storage.sync.rows import find_setting
from storage.tables import Tenant

_CUSTOM: Final = "custom."
_KIND_KEYS: Final = ("into", "match", "create", "id", "changed_at", "unmatched", "link", "fields", "facts", "events")
_HOWS: Final[tuple[How, ...]] = ("count", "sum", "min", "max", "latest")
_MATCHES: Final = ("account", "email", "custom", "domain", "link")


@dataclass(frozen=True)
class ReadMapping:
    """What came of a mapping's text: the mapping, or the findings that keep it from being one."""

    mapping: VendorMapping | None
    diagnostics: tuple[Diagnostic, ...]
    shown: str


def read_mapping(
    text: str | bytes, *, vendor: str, kinds: Sequence[str], vendors: Iterable[str], tenant: Tenant | None, path: str = "mapping.yaml"
) -> ReadMapping:
    """Read a mapping. `kinds` are those the vendor's connector can read; `vendors` may own fields and know accounts."""
    source, report = decode(text, path)
    document = None if report.has_errors else compose(source, report)
    mapping = _Reader(report, vendor, kinds, vendors, tenant).whole(document.root) if document else None
    found = report.sorted()
    return ReadMapping(None if report.has_errors else mapping, found, render_all(found, source))


class MappingUnusable(Exception):
    """There is no mapping for a vendor's records, or it cannot be used; the message says why and what to do."""


async def tenant_mapping(session: Session, vendor: str, kinds: Sequence[str], vendors: Iterable[str], shipped: str | None) -> VendorMapping:
    """Give the tenant's mapping of a vendor, or else the one that comes with its connector.

    Raises:
        MappingUnusable: see there.
    """
    setting = await find_setting(session, vendor)
    text = (setting.mapping if setting else None) or shipped
    if not kinds:
        raise MappingUnusable(f"the connector {vendor} does not read records, so there is nothing to sync")
    if text is None:
        raise MappingUnusable(f"nothing says what becomes of the records of {vendor}; save a mapping first")
    found = read_mapping(text, vendor=vendor, kinds=kinds, vendors=vendors, tenant=await find_tenant(session))
    if found.mapping is None:
        first = found.diagnostics[0].machine_line() if found.diagnostics else "it is empty"
        raise MappingUnusable(f"the mapping of {vendor} cannot be used; correct it: {first}")
    return found.mapping


class _Reader(Events):
    """Reads the parts of a mapping."""

    def __init__(self, report: Report, vendor: str, kinds: Sequence[str], vendors: Iterable[str], tenant: Tenant | None) -> None:
        super().__init__(report)
        self._vendor, self._kinds, self._tenant = vendor, kinds, tenant
        self._vendors = {*vendors, vendor}
        self._owners = (*sorted(self._vendors), OURS)

    def whole(self, root: Node) -> VendorMapping:
        rules = [self._kind(key, node) for key, node in self.entries(root, "a mapping", self._kinds, "kind of record")]
        return VendorMapping(self._vendor, tuple(rule for rule in rules if rule))

    # The parts of a mapping

    def _kind(self, key: Scalar, node: Node) -> KindRule | None:
        keys = self.keys(node, f'what becomes of "{key.text}"', _KIND_KEYS)
        if "into" not in keys:
            self.report.error("PB109", key.span, f'"{key.text}" does not say `into: account`, `into: contact` or `into: facts`')
            return None
        into = self.word(keys["into"], ("account", "contact", "facts"), "facts")
        match = self.many(keys.get("match"), self._match)
        create = self.truth(keys.get("create"))
        self._check_kind(key, keys, into, found=bool(match) or (into == "account" and create))
        return KindRule(
            kind=key.text,
            into=into,  # type: ignore[arg-type]  # one of the legal words
            match=match,
            create=create,
            id_field=self.text(keys.get("id")),
            changed_at=self.text(keys.get("changed_at")),
            unmatched=self.word(keys.get("unmatched"), ("report", "ignore"), "report"),  # type: ignore[arg-type]  # one of the legal words
            link=into != "facts" or self.truth(keys.get("link")),
            fields=self._fields(keys.get("fields"), into),
            facts=self._facts(keys.get("facts")),
            events=self.events(keys.get("events")),
        )

    def _check_kind(self, key: Scalar, keys: dict[str, Node], into: str, *, found: bool) -> None:
        wanted, unwanted = ("facts", "fields") if into == "facts" else ("fields", "facts")
        if unwanted in keys:
            self.report.error("PB253", keys[unwanted].span, f"`{unwanted}` means nothing with `into: {into}`", hint=f"write `{wanted}`")
        if wanted not in keys:
            self.report.error("PB109", key.span, f'"{key.text}" has no `{wanted}`')
        if not found:
            hint = "match: [{account: <field>}]" + (", or create: true" if into == "account" else "")
            self.report.error("PB109", key.span, f'"{key.text}" does not say whose its records are', hint=f"write {hint}")
        if "create" in keys and into == "facts":
            self.report.error("PB253", keys["create"].span, "`create` means nothing with `into: facts`")
        if "events" in keys and into != "facts":
            self.report.error(
                "PB253", keys["events"].span, f"`events` means nothing with `into: {into}`; plays are told of its changes anyway"
            )
        elif "events" in keys and "changed_at" not in keys:
            self.report.error("PB109", keys["events"].span, "`events` needs `changed_at`: the field with the moment at which it happened")

    def _match(self, node: Node) -> MatchRule | None:
        keys = self.entries(node, "a rule of `match`", _MATCHES, "way to find an account")
        if len(keys) != 1:
            if isinstance(node, Mapping):
                self.report.error("PB110", node.span, f"a rule of `match` has one key of {listed(_MATCHES)}")
            return None
        ((key, value),) = keys
        how = key.text
        if how in ("account", "email") or isinstance(value, Scalar):
            if how in ("custom", "link"):
                self.report.error("PB110", value.span, f"`{how}` is a map", hint=_MATCH_HINTS[how])
                return None
            field = self.text(value)
            return MatchRule(how, field, "domain") if field else None  # type: ignore[arg-type]  # one of the legal words
        parts = self.keys(value, f"`{how}`", ("field", "kind", "vendor") if how == "link" else ("field", "name"))
        field, name = self.text(parts.get("field")), self.text(parts.get("kind" if how == "link" else "name"))
        if field is None or (name is None and how != "domain"):
            self.report.error("PB109", key.span, f"`{how}` is not complete", hint=_MATCH_HINTS[how])
            return None
        vendor = self.word(parts.get("vendor"), sorted(self._vendors), self._vendor)
        if how != "link" and self._type_of_custom(value, name or "domain") is None:
            return None
        return MatchRule(how, field, name or "domain", vendor)  # type: ignore[arg-type]  # one of the legal words

    def _fields(self, node: Node | None, into: str) -> tuple[FieldRule, ...]:
        rules = []
        for key, value in self.entries(node, "`fields`", None, "field"):
            kind = self._type_of_target(key, into)
            if kind is None:
                continue
            whole = isinstance(value, Mapping)
            keys = self.keys(value, f'"{key.text}"', (*SOURCE_KEYS, "owner", "changed_here")) if whole else {}
            source = self.source(value, kind, keys)
            if source is not None:
                owner = self.word(keys.get("owner"), self._owners, self._vendor)
                changed = cast("ChangedHere", self.word(keys.get("changed_here"), ("overwrite", "keep", "newest"), "overwrite"))
                rules.append(FieldRule(key.text, kind, source, owner, changed))
        return tuple(rules)

    def _type_of_target(self, key: Scalar, into: str) -> Type | None:
        legal = dict(ACCOUNT_FIELDS if into == "account" else CONTACT_FIELDS)
        if into == "account":
            if key.text.startswith(_CUSTOM):
                return self._type_of_custom(key, key.text.removeprefix(_CUSTOM))
            legal |= {path: fact.type for path, fact in BY_PATH.items() if path.partition(".")[0] in STORED_ROOTS}
        if key.text not in legal:
            shown = ACCOUNT_FIELDS if into == "account" else CONTACT_FIELDS
            also = ", custom.<your own>, and the facts" if into == "account" else ""
            message = f'there is no field "{key.text}" of {into}s; there are {listed(shown)}{also}'
            self.report.error("PB108", key.span, message, suggest=(key.text, legal))
        return legal.get(key.text)

    def _type_of_custom(self, node: Node, name: str) -> Type | None:
        word = type_of_field(self._tenant, name)
        if word is not None:
            return FIELD_TYPES[word]
        known = [field["name"] for field in self._tenant.custom_fields] if self._tenant else []
        message = f'your organisation has no field "{name}" on accounts; it has {listed(known) or "none"}'
        self.report.error("PB108", node.span, message, suggest=(name, known), hint="fields of your own come with an import")
        return None

    def _facts(self, node: Node | None) -> tuple[FactRule, ...]:
        known = [path for path in BY_PATH if path.partition(".")[0] in STORED_ROOTS]
        rules = [self._fact(key, value) for key, value in self.entries(node, "`facts`", known, "fact")]
        return tuple(rule for rule in rules if rule)

    def _fact(self, key: Scalar, node: Node) -> FactRule | None:
        keys = self.keys(node, f'the fact "{key.text}"', (*_HOWS, "by", "where"))
        hows = [how for how in _HOWS if how in keys]
        if len(hows) != 1:
            self.report.error("PB109", key.span, f'"{key.text}" says one of {listed(_HOWS)}')
            return None
        how, kind = hows[0], BY_PATH[key.text].type
        legal = {"count": ("number",), "sum": ("number", "money"), "latest": None}.get(how, ("number", "date", "datetime"))
        if legal is not None and kind.kind not in legal:
            self.report.error("PB350", key.span, f'"{key.text}" is a {kind.kind}; `{how}` gives a {" or a ".join(legal)}')
            return None
        node = keys[how]
        source = None
        if how == "count":
            if not self.truth(node):
                self.report.error("PB110", node.span, "write `count: true`")
        else:
            source = self.source(node, kind, self.keys(node, f"`{how}`", SOURCE_KEYS) if isinstance(node, Mapping) else {})
        by = self.text(keys.get("by"))
        if how == "latest" and by is None:
            self.report.error("PB109", key.span, "`latest` needs `by`: the field with the moment that orders the records")
        where = [self.condition(name, value) for name, value in self.entries(keys.get("where"), "`where`", None, "field")]
        return FactRule(key.text, kind, how, source, by, tuple(each for each in where if each))


_MATCH_HINTS: Final = {
    "custom": "write custom: {name: your_field, field: TheirField}",
    "domain": "write domain: {name: your_field, field: TheirField}",
    "link": "write link: {kind: Account, field: AccountId}",
}
