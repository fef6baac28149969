"""The facts a play starts with."""

from activities.contracts import LoadedFacts
from api.problems import AccountNotFound
from storage.loaded import load_for_play
from storage.session import Session


async def loaded_facts(session: Session, account_id: str) -> LoadedFacts:
    """Give everything a play knows of its account now.

    Raises:
        AccountNotFound: there is no such account.
    """
    loaded = await load_for_play(session, account_id)
    if loaded is None:
        raise AccountNotFound(f'There is no account "{account_id}".')
    return LoadedFacts.model_validate(loaded)
