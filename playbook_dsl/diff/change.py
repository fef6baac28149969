"""One difference between two versions of a playbook."""

from dataclasses import dataclass
from typing import Literal

from playbook_dsl.values import Json


@dataclass(frozen=True)
class Change:
    """`where` names the part, `words` say what happened to it, `meaning` what follows for plays and people where that is evident."""

    where: str
    what: Literal["added", "removed", "moved", "changed"]
    words: str
    before: Json = None
    after: Json = None
    meaning: str | None = None

    def line(self) -> str:
        """Give the change as one sentence without its full stop."""
        joined = f"{self.where} {self.words}" if self.what in ("added", "removed", "moved") else f"{self.where}: {self.words}"
        return joined + (f" ({self.meaning})" if self.meaning else "")

    def to_json(self) -> dict[str, Json]:
        """Give the form `diff --json` prints."""
        return {
            "where": self.where,
            "what": self.what,
            "words": self.words,
            "before": self.before,
            "after": self.after,
            "meaning": self.meaning,
        }
