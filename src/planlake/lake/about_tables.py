"""What each table and view holds, and each column of Planlake's own: the comments that other readers see."""

OF_ITS_OWN = {
    "api_responses": "A row for each record that was received and differs from the version held before.",
    "api_requests": "The ledger: a row for each request, each window that was closed and each slice that was audited.",
    "runs": "A row for each run as a whole, and one for each table that something was done to.",
    "published": "Which snapshot of each table people saw, and from when.",
    "checks": "Every check of every run, with its figure.",
    "journal": "Actions on several tables at once: planned, and done.",
    "previewed": "Which tables a preview has of its own.",
    "forgotten": "Records that were forgotten, by a hash of their id.",
    "drift": "What is new about a column, in the records or on the vendor's page.",
    "documented": "What the vendor's page said of each resource.",
    "uncastable": "Every cell that its type could not hold.",
    "rejected": "Every record that could not become a row.",
    "gaps": "Days and pages that were given up and not read since.",
    "snapshot_dates": "The day on which what each table shows was published last.",
}
OF_RESOURCES = {
    "increment_": "Every version of each of {} that was received.",
    "current_": "The latest version of each of {}, deleted ones included.",
    "history_": "Every version of {}, with the time (UTC) from and until which it was the latest.",
    "api_response_": "Records of {} as received, and requests for them that failed.",
}
OF_VIEWS = {
    "raw": "{}, every value as text.",
    "refined": "The latest version of each of {} that is not deleted, and the day of the snapshot.",
}
OF_COLUMNS = {  # Planlake's own beside those of the vendor, as docs/databases.md has them
    "page_number": "The page of the answer.",
    "import_api_url_requested": "What was asked.",
    "import_api_status_code": "The status of the answer, 200 for records.",
    "import_exception_thrown": "What went wrong, for requests that failed.",
    "import_datetime": "When it was asked, UTC.",
    "import_timestamp": "When it was asked, in seconds since 1970.",
    "import_year": "The year of import_date.",
    "import_month": "The month of import_date, two digits.",
    "import_day": "The day of import_date, two digits.",
    "import_date": "The day it was asked, in London.",
    "import_request_id": "The request that brought the version.",
    "import_position": "Its place on the page.",
    "record_hash": "Equal for versions with the same content.",
    "batch": "The batch it came in.",
    "is_deleted": "True for the version that says the record is gone.",
    "snapshot_year": "The year of snapshot_date.",
    "snapshot_month": "The month of snapshot_date, two digits.",
    "snapshot_day": "The day of snapshot_date, two digits.",
    "snapshot_date": "The day of the last snapshot.",
    "valid_from": "When it was received, UTC.",
    "valid_to": "When the next version was received; empty for the latest.",
}


def resource_of(name: str) -> str:
    """The resource whose records a table or view of this name holds."""
    beginning = next((one for one in OF_RESOURCES if name.startswith(one)), "")
    return name.removeprefix(beginning)


def about(zone: str, name: str) -> str:
    """What a table or view of a zone holds; empty for a name that is not ours in any other zone."""
    if name in OF_ITS_OWN:
        return OF_ITS_OWN[name]
    resource = resource_of(name)
    beginning = name.removesuffix(resource)
    return (OF_RESOURCES[beginning] if beginning else OF_VIEWS.get(zone, "")).format(resource)


def comment_properties(name: str, said: str = "") -> dict[str, str]:
    """A table's comment, as Spark and Trino call it and as Glue does; nothing where there is none."""
    said = said or about("", name)
    return {"comment": said, "Description": said} if said else {}
