"""What routes ask for, as types."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Request

from activities.scoring.serving import Serving
from api.background import Background
from api.plays import Plays
from api.security import Actor, current_actor
from api.services.slack_desk import SlackDesk
from storage.session import Database, Session


def get_database(request: Request) -> Database:
    """Give the application's database."""
    database: Database = request.app.state.database
    return database


def get_plays(request: Request) -> Plays:
    """Give the connection to the plays."""
    plays: Plays = request.app.state.plays
    return plays


def get_background(request: Request) -> Background:
    """Give the work that goes on beside the requests."""
    background: Background = request.app.state.background
    return background


def get_desk(request: Request) -> SlackDesk:
    """Give what asks and answers in Slack."""
    desk: SlackDesk = request.app.state.desk
    return desk


def get_scoring(request: Request) -> Serving:
    """Give what scores accounts."""
    scoring: Serving = request.app.state.scoring
    return scoring


BackgroundDep = Annotated[Background, Depends(get_background)]
DatabaseDep = Annotated[Database, Depends(get_database)]
DeskDep = Annotated[SlackDesk, Depends(get_desk)]
ScoringDep = Annotated[Serving, Depends(get_scoring)]
PlaysDep = Annotated[Plays, Depends(get_plays)]


async def open_session(database: DatabaseDep, actor: Annotated[Actor, Depends(current_actor)]) -> AsyncIterator[Session]:
    """Give the request's one transaction; it is committed when the route returns and before the answer leaves."""
    async with database.begin(actor.tenant) as session:
        yield session


# "function": the default scope commits after the answer has left, and a client could read what is not there yet.
SessionDep = Annotated[Session, Depends(open_session, scope="function")]
