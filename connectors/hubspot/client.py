"""HubSpot's CRM over HTTP: its own SDK is generated, blocks, and retries by itself, which the ledger does better."""

from typing import Final

from connectors.errors import Rejected
from connectors.hubspot.changes import READ, Changes, HubSpotObject
from connectors.hubspot.vendor import HubSpotCredentials
from connectors.records import RecordPage
from connectors.rest import Rest

TIMEOUT_S = 20.0
_URL: Final = "https://api.hubapi.com"
_PLURAL: Final = {"company": "companies", "contact": "contacts"}
_TASK_OF_COMPANY: Final = 192
"""HubSpot's number for the association of a task with a company."""


class HubSpot:
    """One portal of HubSpot."""

    def __init__(self, credentials: HubSpotCredentials, *, base_url: str | None = None) -> None:
        """Prepare; nothing is called yet. `base_url` is where a sandbox stands in for HubSpot."""
        headers = {"Authorization": f"Bearer {credentials.token.get_secret_value()}"}
        self._rest = Rest("HubSpot", base_url or _URL, headers=headers, timeout_s=TIMEOUT_S)

    async def verify(self) -> str:
        """Ask which portal it is."""
        return f"portal {(await self._rest.get('/account-info/v3/details')).get('portalId')}"

    async def close(self) -> None:
        """Let the kept connections go."""
        await self._rest.close()

    async def company(self, company_id: str, properties: tuple[str, ...] = READ["company"]) -> HubSpotObject:
        """Give a company with these properties."""
        return await self._rest.get(f"/crm/v3/objects/companies/{company_id}", properties=",".join(properties))

    async def update_company(self, company_id: str, properties: HubSpotObject) -> HubSpotObject:
        """Set properties of a company; doing it twice is doing it once."""
        return await self._rest.patch(f"/crm/v3/objects/companies/{company_id}", {"properties": properties})

    async def make_task(self, key: str, properties: HubSpotObject, company_id: str | None) -> HubSpotObject:
        """Make a task, once for each key: HubSpot refuses a second one with the same creation key."""
        body: HubSpotObject = {"properties": {**properties, "hs_unique_creation_key": key}}
        if company_id is not None:
            kind = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": _TASK_OF_COMPANY}
            body["associations"] = [{"to": {"id": company_id}, "types": [kind]}]
        try:
            return await self._rest.post("/crm/v3/objects/tasks", body)
        except Rejected:
            made = await self.find_task(key)
            if made is None:
                raise
            return made

    async def find_task(self, key: str) -> HubSpotObject | None:
        """Give the task that was made with a key."""
        return await self._rest.find(f"/crm/v3/objects/tasks/{key}", idProperty="hs_unique_creation_key")

    async def delete_task(self, task_id: str) -> bool:
        """Move a task to the recycle bin; False when there is none."""
        return await self._rest.delete(f"/crm/v3/objects/tasks/{task_id}")

    async def changed(self, kind: str, cursor: str | None, limit: int) -> RecordPage:
        """Give records that changed, oldest change first; see `connectors.records.Source` and `connectors.hubspot.changes`."""

        async def search(body: HubSpotObject) -> HubSpotObject:
            return await self._rest.post(f"/crm/v3/objects/{_PLURAL.get(kind, kind)}/search", body)

        return await Changes(search).page(kind, cursor, limit)
