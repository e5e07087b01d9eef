"""What each table holds, in a sentence: the comment that other readers of the catalogue see."""

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
}
OF_RESOURCES = {
    "increment": "Every version of each of {} that was received.",
    "current": "The latest version of each of {}, deleted ones included.",
}


def comment_properties(name: str) -> dict[str, str]:
    """A table's comment, as Spark and Trino call it and as Glue does; nothing for a name that is not ours."""
    kind, _, resource = name.partition("_")
    said = OF_ITS_OWN.get(name) or OF_RESOURCES.get(kind, "").format(resource)
    return {"comment": said, "Description": said} if said else {}
