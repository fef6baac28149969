"""A model's card: what it was made of, how good it was, and what it must not be used for."""

from scoring.models.files import Manifest
from scoring.models.gates import Decision
from scoring.models.train import Trained
from scoring.panel import Panel


def card(trained: Trained, manifest: Manifest, decision: Decision, panel: Panel) -> str:
    """Write the card in Markdown.

    Raises:
        ValueError: there is no model.
    """
    if trained.model is None or trained.metrics is None:
        raise ValueError(f"there is no model to write a card of: {trained.why}")
    parts = [
        f"# Model {trained.target}-{manifest.version}",
        f"{trained.why} Verdict: **{decision.verdict}**. {decision.why if decision.blocked else ''}".strip(),
        _data(trained, manifest, panel),
        _figures(trained),
        _gates(decision),
        _groups(trained, panel),
        _features(trained, manifest),
        _LIMITS,
        _made(manifest),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _data(trained: Trained, manifest: Manifest, panel: Panel) -> str:
    model, split = trained.model, trained.split.as_json(panel.as_of)
    lines = ["## Data", ""]
    for name in ("learning", "training", "calibration", "test"):
        part = split.get(name)
        if isinstance(part, dict):
            lines.append(f"- {name}: {part['rows']} rows, cutoffs {part['from']} to {part['to']}")
    lines.append(f"- between the parts: {split['purge_days']} days, so that no label of one reaches into the next")
    lines.append(f"- calibrated by: {split['calibrated_by']}; accounts that are cases: {trained.cases}")
    lines.append(f"- base rate of the rows learned from: {model.base_rate if model else 0:.4f}")
    lines.append(f"- digest of the data: `{manifest.data_sha256[:16]}`")
    return "\n".join(lines)


def _figures(trained: Trained) -> str:
    metrics, model = trained.metrics, trained.model
    if metrics is None or model is None:
        return ""
    lines = [
        "## Measured on the test window",
        "",
        f"{metrics.n} rows of {metrics.accounts} accounts, {metrics.positives} cases, base rate {metrics.base_rate:.4f}.",
        f"The constant that always says the commoner thing has an accuracy of {metrics.majority_accuracy:.3f}.",
        f"Accuracy, precision, recall and fpr are at a probability of {metrics.threshold:.3f}.",
        f"The calibration error is over {metrics.ece_bins} bins of equal count; intervals are 95 %, by bootstrap over accounts.",
        "",
        "| measure | value (95 % interval) |",
        "| --- | --- |",
        *(f"| {name} | {figure} |" for name, figure in metrics.figures.items()),
    ]
    if model.threshold is not None:
        at = model.threshold
        where = f"the upper 95 % bound of the false-positive rate was {at.fpr_bound:.3f}, among {at.negatives} rows"
        lines += ["", f"The threshold was chosen where {where}."]
    return "\n".join(lines)


def _gates(decision: Decision) -> str:
    lines = ["## Gates", "", "| gate | bar | measured | passed | why |", "| --- | --- | --- | --- | --- |"]
    for gate in decision.gates:
        measured = "-" if gate.measured is None else f"{gate.measured:.4g}"
        passed = "no" if not gate.passed else "yes" if gate.measured is not None else "not judged"
        lines.append(f"| {gate.name} | {gate.bar} | {measured} | {passed} | {gate.why} |")
    return "\n".join(lines)


def _groups(trained: Trained, panel: Panel) -> str:
    test = panel.rows(trained.split.test)
    lines = ["## Groups of the test window", "", "| group | rows | cases | rate | mean probability |", "| --- | --- | --- | --- | --- |"]
    for grouping, names in test.groups.items():
        for name in sorted(set(names.tolist())):
            own = names == name
            rate, said = test.labels[own].mean(), trained.tested[own].mean()
            lines.append(f"| {grouping} {_cell(name)} | {own.sum()} | {test.labels[own].sum()} | {rate:.3f} | {said:.3f} |")
    return "\n".join(lines) if test.groups else ""


def _features(trained: Trained, manifest: Manifest) -> str:
    features = trained.model.features if trained.model else ()
    lines = ["## Features", "", "| feature | family | importance | what it is |", "| --- | --- | --- | --- |"]
    for feature in sorted(features, key=lambda each: -manifest.importances.get(each.name, 0.0)):
        importance = manifest.importances.get(feature.name)
        shown = "-" if importance is None else f"{importance:.4f}"
        lines.append(f"| {_cell(feature.name)} | {feature.family} | {shown} | {_cell(feature.words)} |")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


_LIMITS = """## Limits

- Probabilities are for the window of labels after the lead time, and for accounts like those it learned from.
- Reasons say what a probability is associated with, not what caused it.
- Accuracy says nothing where churn is rare: compare it with the constant's.
- What a playbook achieves is shown by its holdout, never by these scores."""


def _made(manifest: Manifest) -> str:
    lines = ["## Made with", "", *(f"- {name} {version}" for name, version in sorted(manifest.libraries.items()))]
    return "\n".join([*lines, f"- code: {manifest.code_version or 'not said'}"])
