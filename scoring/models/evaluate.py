"""`python -m scoring.models.evaluate FILE --label churn`: how the default trainer does on a table, out of fold."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from scoring.models.table import Judged, Table, TableRefused, judge, read_table


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, judge, print. Gives the exit code: 2 when the table is refused."""
    parser = argparse.ArgumentParser(prog="python -m scoring.models.evaluate", description=__doc__)
    parser.add_argument("file", type=Path, help="CSV, also .gz, with a line of names")
    parser.add_argument("--label", default="churn", help="the column that says who left")
    parser.add_argument("--positive", help="the label's text that means yes, where it cannot be guessed")
    parser.add_argument("--drop", action="append", default=[], help="a column to leave out; may be given several times")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    try:
        table = read_table(given.file, given.label, drop=given.drop, positive=given.positive)
        judged = judge(table.panel, seed=given.seed)
    except (TableRefused, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write("\n".join(said(given.file.name, table, judged)) + "\n")
    return 0


def said(name: str, table: Table, judged: Judged) -> list[str]:
    """Give the lines that are printed."""
    kinds = [feature.kind for feature in table.panel.features]
    lines = [
        f"{name}: {kinds.count('number')} numbers, {kinds.count('category')} categories; {judged.algorithm}; 5 folds, predicted out of fold"
    ]
    lines += [f"left out: {column} ({why})" for column, why in table.dropped.items()]
    if table.unlabelled:
        lines.append(f"left out: {table.unlabelled} rows without a label")
    lines.append(f'the label "{table.positive}" is a case')
    lines += judged.metrics.lines()
    lines += [
        f'caution: "{feature}" alone reaches an AUC of {area:.3f}; it may know what became of the row, look at it or --drop it'
        for feature, area in judged.suspects.items()
    ]
    if not judged.suspects and judged.metrics["auc"] >= 0.95:
        lines.append("caution: an AUC of .95 and more is seldom true of churn; look for columns that were filled in afterwards")
    return lines


if __name__ == "__main__":
    sys.exit(main())
