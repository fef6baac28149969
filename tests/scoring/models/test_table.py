from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from bench.scoring import MLC, TELCO
from scoring.models.columns import dates_in, flags_in, numbers_in
from scoring.models.evaluate import main
from scoring.models.table import TableRefused, judge, read_table


@pytest.mark.slow
def test_the_default_trainer_reaches_the_bar_on_telco() -> None:
    found = judge(read_table(TELCO, "churn").panel, draws=0).metrics

    assert found["auc"] >= 0.840
    assert found["brier"] <= 0.138
    assert found["ece"] <= 0.025
    assert found["accuracy"] > found.majority_accuracy == pytest.approx(0.735, abs=0.001)


@pytest.mark.slow
def test_the_default_trainer_reaches_the_bar_on_mlc_churn() -> None:
    found = judge(read_table(MLC, "churn").panel, draws=0).metrics

    assert found["auc"] >= 0.905
    assert found["pr_auc"] >= 0.85


def odd_table(rows: int, seed: int = 0) -> list[list[str]]:
    """Everything tables do: ids, dates, constants, gaps, money, many texts, quoted names."""
    rng = np.random.default_rng(seed)
    lines = [["customerID", "RowNumber", "Signup Date", "country", "city", "spend", "tickets", "always", "empty", "Churn Label"]]
    for number in range(rows):
        pull = rng.normal()
        left = rng.random() < 1 / (1 + np.exp(1.2 - 1.5 * pull))
        lines.append(
            [
                f"C-{number:06}-{rng.integers(10**9)}",
                str(number + 1),
                str(np.datetime64("2024-01-01") + int(rng.integers(0, 700))),
                rng.choice(["DE", "US", "", "FR"]),
                f"town {int(rng.zipf(1.3)) % 900}",
                "n/a" if rng.random() < 0.1 else f"${1_500 - 400 * pull + rng.normal(0, 200):,.2f}",
                "?" if rng.random() < 0.2 else str(rng.poisson(np.exp(0.3 * pull))),
                "yes",
                "",
                "Yes" if left else "No",
            ]
        )
    return lines


def written(path: Path, lines: list[list[str]], delimiter: str = ";") -> Path:
    text = "\n".join(delimiter.join(line) for line in lines)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def test_an_odd_table_is_read_and_judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path / "odd.csv.gz", odd_table(700))
    table = read_table(path, "churn label")
    kinds = {feature.name: feature.kind for feature in table.panel.features}

    assert kinds == {"Signup Date": "number", "country": "category", "city": "category", "spend": "number", "tickets": "number"}
    assert set(table.dropped) == {"customerID", "RowNumber", "always", "empty"}
    assert main([str(path), "--label", "Churn Label"]) == 0

    said = capsys.readouterr().out
    assert all(word in said for word in ("base rate", "constant", "auc", "pr_auc", "brier_skill", "ece", "recall_at_fpr5"))


def test_few_rows_are_judged_and_fewer_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "few.csv", odd_table(90))
    few = judge(read_table(path, "Churn Label").panel, draws=0)

    assert few.algorithm == "logistic"
    assert np.isfinite(few.probabilities).all()
    with pytest.raises(TableRefused, match="a model wants 20"):
        judge(read_table(written(tmp_path / "fewer.csv", odd_table(30)), "Churn Label").panel)


def test_a_column_that_knows_the_label_is_pointed_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = odd_table(400)
    lines = [[*lines[0][:-1], "cancel reason", lines[0][-1]]] + [
        [*line[:-1], ("price" if number % 2 else "other") if line[-1] == "Yes" else "", line[-1]] for number, line in enumerate(lines[1:])
    ]

    assert main([str(written(tmp_path / "leak.csv", lines)), "--label", "Churn Label"]) == 0
    assert 'caution: "cancel reason" alone' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("label", "arguments", "words"),
    [
        ("gone", [], 'has no column "gone"; it has customerID'),
        ("city", [], "values and wants two"),
        ("Churn Label", ["--drop", "nothing"], 'no column "nothing"'),
        ("Churn Label", ["--positive", "maybe"], 'no row has the label "maybe"; it has "No", "Yes"'),
    ],
)
def test_a_table_is_refused_in_words(
    label: str, arguments: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path / "odd.csv", odd_table(60))

    assert main([str(path), "--label", label, *arguments]) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("texts", "yes"),
    [
        (["Yes", "No"], "Yes"),
        (["0", "1"], "1"),
        (["1.0", "0.0"], "1.0"),
        (["True.", "False."], "True."),
        (["Attrited Customer", "Existing Customer"], "Attrited Customer"),
        (["Churned", "Stayed"], "Churned"),
        (["TRUE", "FALSE"], "TRUE"),
    ],
)
def test_a_label_is_understood(texts: list[str], yes: str) -> None:
    assert flags_in(texts) == ([text == yes for text in texts], yes)


def test_numbers_and_dates_are_recognised() -> None:
    np.testing.assert_array_equal(numbers_in(["1,234.5", "$3", " ", "45%", "-2e3"]), [1234.5, 3, np.nan, 45, -2000])
    assert numbers_in(["2024-01-02", "2024-01-03"]) is None
    assert numbers_in(["DE", "1"]) is None
    np.testing.assert_array_equal(dates_in(["1970-01-02", "", "1970-01-03"]), [1, np.nan, 2])
    np.testing.assert_array_equal(dates_in(["01/31/1970", "01/02/1970"]), [30, 1])
    assert dates_in(["town 1", "town 2"]) is None


def test_copies_of_a_row_share_a_fold(tmp_path: Path) -> None:
    lines = odd_table(300)
    table = read_table(
        written(tmp_path / "twice.csv", [*lines, *([f"X{n}", str(900 + n), *line[2:]] for n, line in enumerate(lines[1:11]))]),
        "Churn Label",
    )

    assert table.panel.accounts[300:].tolist() == table.panel.accounts[:10].tolist()
