"""`sagemaker.invoke`."""

from typing import Annotated

from pydantic import Field

from activities.definitions.contract import ActionContract, ActionInput, ActionOutput
from connectors.sagemaker.vendor import SAGEMAKER


class InvokeInput(ActionInput):
    """What a model is told."""

    rows: Annotated[list[list[float]], Field(min_length=1, max_length=1000, description="A list of numbers for each score that is wanted.")]


class ScoresOutput(ActionOutput):
    """A score for each row, in their order."""

    scores: list[float]


SAGEMAKER_INVOKE = ActionContract(
    name="sagemaker.invoke",
    title="Ask a model for scores",
    effect="read",
    inputs=InvokeInput,
    outputs=ScoresOutput,
    internal=False,
    timeout_s=10,
    retry=SAGEMAKER.backoff.as_retry(),
    help="Gives the numbers to a model of yours behind a SageMaker endpoint, and takes its scores.",
)
