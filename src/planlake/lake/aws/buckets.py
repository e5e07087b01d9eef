"""Says whether the bucket of a lake's files is there: S3 calls a file in one that is not just absent."""

from pyarrow.fs import FileType

from planlake.lake.aws.file_access import FileAccess
from planlake.lake.aws.lease_place import SCHEMES


def missing_bucket(access: FileAccess, place: str) -> str:
    """The name of the bucket that a place lies in, where it is not there; else empty, also where nobody may ask."""
    scheme, separator, rest = place.partition("://")
    if not separator or scheme not in SCHEMES:
        return ""
    from pyiceberg.io.pyarrow import PyArrowFileIO  # noqa: PLC0415 - brings pyarrow.dataset, and pandas with it

    host = rest.partition("/")[0]
    if not isinstance(access.io, PyArrowFileIO):
        return ""
    try:
        is_gone = access.io.fs_by_scheme(scheme, host).get_file_info(host).type == FileType.NotFound
    except OSError:
        return ""
    return host if is_gone else ""
