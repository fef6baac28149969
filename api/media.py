"""What kind of body a request says it has."""

from starlette.datastructures import Headers


def media_type(headers: Headers) -> str:
    """Give the media type without its parameters, in lower case; empty when the request names none."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def is_json(headers: Headers) -> bool:
    """Say whether the request says that its body is JSON."""
    kind = media_type(headers)
    return kind == "application/json" or kind.endswith("+json")
