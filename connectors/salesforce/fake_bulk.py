"""The stand-in's bulk jobs: data is worked off when its job is closed."""

import csv
import io
from typing import TYPE_CHECKING, Any, TypeAlias

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

if TYPE_CHECKING:
    from connectors.salesforce.fake import FakeSalesforce

Job: TypeAlias = dict[str, Any]


class FakeBulk:
    """Ingest jobs. `looks` is how often a job is still under way when it is asked for."""

    def __init__(self, owner: "FakeSalesforce") -> None:
        """Work on the records of this stand-in."""
        self.jobs: dict[str, Job] = {}
        self.looks = 1
        self._owner = owner

    def routes(self, base: str) -> list[BaseRoute]:
        """Give the addresses of ingest jobs."""
        return [
            Route(base, self._open, methods=["POST"]),
            Route(f"{base}/{{id}}", self._job, methods=["GET", "PATCH"]),
            Route(f"{base}/{{id}}/batches", self._upload, methods=["PUT"]),
            Route(f"{base}/{{id}}/failedResults", self._failed),
        ]

    async def _open(self, request: Request) -> Response:
        asked = await request.json()
        refusal = self._owner.refusal(request)
        if refusal is not None:
            return refusal
        if asked["externalIdFieldName"] not in self._owner.keys.get(asked["object"], ()):
            return JSONResponse(
                [{"errorCode": "INVALIDJOB", "message": f"InvalidJob : no external id {asked['externalIdFieldName']}"}], 400
            )
        id_ = f"750{len(self.jobs) + 1:012d}AAA"
        self.jobs[id_] = {**asked, "id": id_, "state": "Open", "data": None, "failed": [], "left": self.looks}
        return JSONResponse(_shown(self.jobs[id_]))

    async def _upload(self, request: Request) -> Response:
        job, data = self.jobs[request.path_params["id"]], (await request.body()).decode()
        refusal = self._owner.refusal(request)
        if refusal is not None:
            return refusal
        if job["state"] != "Open" or job["data"] is not None:
            return JSONResponse([{"errorCode": "INVALIDJOBSTATE", "message": "data was given already"}], 400)
        job["data"] = data
        return Response(status_code=201)

    async def _job(self, request: Request) -> Response:
        job = self.jobs.get(request.path_params["id"])
        refusal = self._owner.refusal(request)
        if refusal is not None or job is None:
            return refusal or JSONResponse([{"errorCode": "NOT_FOUND", "message": "no such job"}], 404)
        if request.method == "PATCH":
            job["state"] = (await request.json())["state"]
        elif job["state"] == "UploadComplete":
            job["left"] -= 1
            if job["left"] < 0:
                self._work(job)
        return JSONResponse(_shown(job))

    def _work(self, job: Job) -> None:
        from connectors.salesforce.fake import Refused  # here, because that module needs this one

        field, object_ = job["externalIdFieldName"], job["object"]
        rows = list(csv.DictReader(io.StringIO(job["data"])))
        for row in rows:
            values = {name: None if value == "#N/A" else value for name, value in row.items() if value}
            try:
                there = self._owner.by_key(object_, field, str(values.get(field)))
                self._owner.settle(object_, values, there)
            except Refused as refused:
                job["failed"].append({"sf__Id": "", "sf__Error": f"{refused.answer[0]['errorCode']}:{refused}", **row})
        job.update(state="JobComplete", processed=len(rows))

    async def _failed(self, request: Request) -> Response:
        failed = self.jobs[request.path_params["id"]]["failed"]
        out = io.StringIO()
        if failed:
            writer = csv.DictWriter(out, list(failed[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(failed)
        return self._owner.refusal(request) or PlainTextResponse(out.getvalue(), media_type="text/csv")


def _shown(job: Job) -> Job:
    shown = {name: job[name] for name in ("id", "operation", "object", "state", "externalIdFieldName")}
    return {**shown, "numberRecordsProcessed": job.get("processed", 0), "numberRecordsFailed": len(job["failed"])}
