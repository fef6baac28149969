"""Rows as the API shows them."""

from api.plays import Plays
from api.schemas.runs import EffectOut, RunDetails, RunOut, StepOut, UndoState
from playbook_dsl.values import Json
from storage.repositories.effects import list_effects_by_chain
from storage.repositories.runs import list_steps, output_of, start_of
from storage.session import Session
from storage.tables import Effect, Run

_UNDOABLE_CLASSES = {"reversible", "compensable"}


def run_out(run: Run, plays: Plays) -> RunOut:
    """Give a play as lists show it."""
    return RunOut.model_validate(run.model_dump(exclude={"start", "saved"}) | {"temporal_url": plays.link(run.workflow_id)})


def effect_out(effect: Effect) -> EffectOut:
    """Give an effect without what is sealed."""
    return EffectOut.model_validate(effect.model_dump(exclude={"request", "prior", "result"}) | {"step": effect.step_key})


async def run_details(session: Session, run: Run, plays: Plays) -> RunDetails:
    """Give a play with its steps and effects."""
    steps = [
        StepOut.model_validate(step.model_dump(exclude={"output"}) | {"output": as_map(output_of(session, step))})
        for step in await list_steps(session, run.id)
    ]
    effects = await list_effects_by_chain(session, run.chain)
    started = as_map(start_of(session, run)) or {}
    return RunDetails.model_validate(
        run_out(run, plays).model_dump()
        | {
            "title": run.title,
            "inputs": started.get("inputs") or {},
            "steps": steps,
            "effects": [effect_out(effect) for effect in effects],
            "undo": undo_state(effects),
        }
    )


def undo_state(effects: list[Effect]) -> UndoState:
    """Count what was taken back, what could be, and what cannot."""
    state = UndoState()
    for effect in effects:
        match effect.status:
            case "undone":
                state.done += 1
            case "conflict":
                state.conflicts += 1
            case "undo_failed":
                state.failed += 1
            case "done" | "unknown" | "intended":
                if effect.effect_class in _UNDOABLE_CLASSES:
                    state.open += 1
                elif effect.effect_class == "irreversible":
                    state.impossible += 1
    return state


def as_map(tree: Json) -> dict[str, Json] | None:
    """Give a JSON record, or None for anything else."""
    return tree if isinstance(tree, dict) else None
