"""`python -m bench.limits`: two ways of keeping to a vendor's allowance, side by side on the same servers.

A large tenant starts 80 plays and a small one 20, each with one call of the vendor; each tenant may call 10 times at once and then 10 times
a second. Ours books turns in PostgreSQL and waits on timers; Temporal's own way puts the calls on a task queue with a rate for each
fairness key. What counts is seen at the vendor.
"""

from __future__ import annotations

import asyncio
import dataclasses
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias

import asyncpg
from starlette.types import Receive, Scope, Send
from temporalio import activity, workflow
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import RateLimit
from temporalio.api.workflowservice.v1 import UpdateTaskQueueConfigRequest
from temporalio.client import Client
from temporalio.common import Priority
from temporalio.worker import Worker

from activities.actions.stripe import GetCustomer
from activities.attempts import Attempts
from activities.connections import Connections
from activities.contracts import LoadedFacts, RunInput, RunRef
from activities.registry import Dependencies, build_activities
from bench.servers import make_folder
from cli.dev.postgres import Postgres
from cli.dev.temporal import Temporal
from connectors.email.outbox import FolderOutbox
from connectors.http.client import WebClient
from connectors.sandbox.serving import serving
from connectors.stripe.fake import FakeStripe
from connectors.stripe.vendor import STRIPE, StripeCredentials
from connectors.vendor import Allowance
from playbook_dsl.plan import Plan
from storage.encryption import KeyRing
from storage.migrate import app_url, upgrade
from storage.session import Database
from workflows.client import Address, connect
from workflows.messages import QUEUE_PLAYS
from workflows.outlet import TemporalPlays
from workflows.playbook_run import PlaybookRun

Handle: TypeAlias = Any
"""A workflow of either kind."""

TENANTS = {"large": 80, "small": 20}
PER_SECOND, BURST = 10, 10
QUEUE_LIMITED = "limited"


class Clocked(FakeStripe):
    """Notes when each tenant's customer is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.at: list[tuple[str, float]] = []
        for tenant in TENANTS:
            self.add_customer(f"cus_{tenant}", tenant)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, and note when."""
        self.at.append((scope["path"].rpartition("_")[2], time.monotonic()))
        await super().__call__(scope, receive, send)


def plan(tenant: str) -> Plan:
    """Give a play with one call."""
    step = {"kind": "action", "id": "ask", "action": "stripe.customer.get", "effect": "read", "inputs": {"customer": f"cus_{tenant}"}}
    return Plan.model_validate({"playbook": "one-call", "title": "One call", "steps": [step]})


async def start_play(client: Client, tenant: str) -> Handle:
    """Start one of ours."""
    name = uuid.uuid4().hex
    run = RunRef(tenant=tenant, run_id=name, chain=name, playbook="one-call", version=1, account="A-1")
    of = RunInput(run=run, plan=plan(tenant), loaded=LoadedFacts(facts={}))
    return await client.start_workflow("one-call", of, id=f"play:{name}", task_queue=QUEUE_PLAYS, priority=Priority(fairness_key=tenant))


@workflow.defn(name="by-queue", sandboxed=False)
class ByQueue:
    """The same call on a task queue that Temporal keeps to a rate."""

    @workflow.run
    async def run(self, tenant: str) -> None:
        """Call."""
        await workflow.execute_activity("ask", tenant, task_queue=QUEUE_LIMITED, start_to_close_timeout=timedelta(seconds=60))


async def start_by_queue(client: Client, tenant: str) -> Handle:
    """Start one of Temporal's."""
    priority = Priority(fairness_key=tenant)
    return await client.start_workflow("by-queue", tenant, id=f"queue:{uuid.uuid4().hex}", task_queue=QUEUE_PLAYS, priority=priority)


async def limit_queue(client: Client) -> None:
    """Ask Temporal for a rate for each fairness key."""
    request = UpdateTaskQueueConfigRequest(
        namespace=client.namespace, identity="bench", task_queue=QUEUE_LIMITED, task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY
    )
    limit = UpdateTaskQueueConfigRequest.RateLimitUpdate(rate_limit=RateLimit(requests_per_second=PER_SECOND), reason="bench")
    request.update_fairness_key_rate_limit_default.CopyFrom(limit)
    await client.workflow_service.update_task_queue_config(request)


async def measure(name: str, client: Client, vendor: Clocked, start: Callable[[Client, str], Awaitable[Handle]]) -> None:
    """Play, and print what the vendor saw."""
    vendor.at.clear()
    began, cpu = time.monotonic(), time.process_time()
    tenants = [tenant for tenant, count in TENANTS.items() for _ in range(count)]
    handles = await asyncio.gather(*(start(client, tenant) for tenant in tenants))
    await asyncio.gather(*(handle.result() for handle in handles))
    took, cpu = time.monotonic() - began, time.process_time() - cpu
    events = [len((await handle.fetch_history()).events) for handle in handles]
    print(
        f"{name:10} all done in {took:5.1f} s, worker and client CPU {cpu * 1000 / len(handles):4.1f} ms a play, "
        f"events {min(events)} to {max(events)}"
    )
    for tenant, count in TENANTS.items():
        at = [moment - began for whose, moment in vendor.at if whose == tenant]
        ideal = max(0.0, (count - BURST) / PER_SECOND)
        print(f"{'':10} {tenant}: {len(at)} calls, most in one second {busiest(at)}, last after {max(at):4.1f} s (ideal {ideal:.1f})")


def busiest(at: Sequence[float]) -> int:
    """Give the most calls within one second."""
    return max(sum(1 for moment in at if begin <= moment < begin + 1) for begin in at)


async def main() -> None:
    """Start everything, measure both ways."""
    folder = make_folder()
    GetCustomer.vendor = dataclasses.replace(STRIPE, allowance=Allowance(per_hour=PER_SECOND * 3600, burst=BURST))
    vendor = Clocked()
    with Postgres(folder / "postgres") as postgres, Temporal(folder / "temporal", with_ui=False) as temporal, serving(vendor) as url:
        connection = await asyncpg.connect(postgres.url())
        await connection.execute("CREATE DATABASE bench")
        await connection.close()
        await upgrade(postgres.url("bench"), app_password="bench")  # noqa: S106  # of a server that lives for a minute
        database = Database(app_url(postgres.url("bench"), "bench"), KeyRing({"k1": bytes(32)}, "k1"))
        client = await connect(Address(temporal.address), cipher=None, wait_s=10, say=lambda line: None)
        await limit_queue(client)
        await compare(client, database, vendor, url, folder)
        await database.close()


async def compare(client: Client, database: Database, vendor: Clocked, url: str, folder: Path) -> None:
    """Measure both ways with one worker process."""
    connections = Connections(database, url)
    stripe = STRIPE.open(StripeCredentials.model_validate(dict(STRIPE.sandbox)), f"{url}/stripe")

    @activity.defn
    async def ask(tenant: str) -> None:
        await stripe.customer(f"cus_{tenant}")

    dependencies = Dependencies(
        database, TemporalPlays(client), FolderOutbox(folder / "outbox"), WebClient(), "bench@example.com", connections
    )
    plays = Worker(
        client,
        task_queue=QUEUE_PLAYS,
        workflows=[PlaybookRun, ByQueue],
        activities=build_activities(dependencies),
        interceptors=[Attempts()],
    )
    limited = Worker(client, task_queue=QUEUE_LIMITED, activities=[ask])
    async with plays, limited:
        for _ in range(2):
            await measure("turns", client, vendor, start_play)
            await asyncio.sleep(BURST / PER_SECOND + 1)  # the burst comes back
            await measure("queue", client, vendor, start_by_queue)
            await asyncio.sleep(BURST / PER_SECOND + 1)
    await stripe.close()
    await connections.close()


if __name__ == "__main__":
    asyncio.run(main())
