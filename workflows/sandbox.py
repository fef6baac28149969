"""The SDK's sandbox without two needless ways into it. All that knows the SDK's inside is here, and does nothing when that has changed."""

from contextlib import suppress

from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner


class LeanSandbox(SandboxedWorkflowRunner):
    """Runs workflow code as the SDK's runner does, but asks outside of the sandbox for whom a payload is.

    The SDK enters the sandbox twice for each payload it converts, compiling a few lines each time, only to read the workflow's id and the
    activity's type: about ten milliseconds of worker CPU in a play of five steps. Can go when the SDK reads them outside itself.
    """

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        """Make the instance."""
        made = super().create_instance(det)
        with suppress(AttributeError, KeyError):
            inner = made.globals_and_locals["__temporal_in_sandbox"].instance  # type: ignore[attr-defined]  # see above
            asks = {name: getattr(inner, name) for name in ("get_serialization_context", "get_external_store_context")}
            for name, ask in asks.items():
                setattr(made, name, ask)
        return made
