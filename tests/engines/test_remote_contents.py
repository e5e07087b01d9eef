"""Small files that lie elsewhere are read once, and metadata that was written is not read at all; both in bounds."""

from io import BytesIO

import pytest
from pyarrow.fs import LocalFileSystem

from planlake.engines import remote_contents
from planlake.engines.remote_contents import SMALL_BYTES, keep, kept, open_remote
from planlake.lake.aws.remote_io import RemoteIO

ID = "6f1c3e0a-9a51-4c0e-8d55-0f6a2f0e9b11"


@pytest.fixture(autouse=True)
def nothing_kept():
    remote_contents._kept.clear()
    yield
    remote_contents._kept.clear()


def stored(folder, size):
    file = folder / f"{size}.parquet"
    file.write_bytes(b"x" * size)
    return file


def opened(file):
    return open_remote(LocalFileSystem(), str(file), f"s3://{file}").read()


def test_a_small_file_is_read_once(tmp_path):
    file = stored(tmp_path, SMALL_BYTES)
    first = opened(file)
    file.unlink()
    assert opened(file) == first == b"x" * SMALL_BYTES


def test_a_larger_file_is_not_kept(tmp_path):
    file = stored(tmp_path, SMALL_BYTES + 1)
    assert len(opened(file)) == SMALL_BYTES + 1
    file.unlink()
    with pytest.raises(FileNotFoundError):
        opened(file)


def test_what_is_kept_stays_below_its_bound(monkeypatch):
    monkeypatch.setattr(remote_contents, "KEPT_BYTES", 100)
    for number in range(20):
        keep(f"s3://{number}", b"x" * 30)
        assert kept(f"s3://{number}") == b"x" * 30
        assert sum(map(len, remote_contents._kept.values())) <= 100


def test_metadata_that_was_written_is_there_and_is_not_read_again(tmp_path):
    place = tmp_path / "things" / "metadata" / f"snap-1-0-{ID}.avro"
    with RemoteIO().new_output(str(place)).create() as stream:
        stream.write(b"a list")
    assert place.read_bytes() == b"a list"
    place.unlink()
    file = RemoteIO().new_input(str(place))
    assert (len(file), file.open().read()) == (6, b"a list")


@pytest.mark.parametrize(
    ("name", "again"),
    [
        (f"00001-{ID}.metadata.json", b"old"),
        ("v1.metadata.json", b"new"),
        ("00001-x.metadata.json", b"new"),
        (f"{ID}.parquet", b"new"),
    ],
)
def test_metadata_is_read_once_where_its_name_cannot_come_again(tmp_path, name, again):
    place = tmp_path / "metadata" / name
    place.parent.mkdir()
    for content, seen in ((b"old", b"old"), (b"new", again)):
        place.write_bytes(content)
        assert RemoteIO().new_input(str(place)).open().read() == seen


def test_what_could_not_be_stored_is_not_kept(tmp_path):
    (tmp_path / "metadata").mkdir()
    place = tmp_path / "metadata" / f"{ID}-m0.avro"
    place.mkdir()  # nothing can be written there
    stream = RemoteIO().new_output(str(place)).create()
    assert isinstance(stream, BytesIO)
    stream.write(b"a list")
    with pytest.raises(OSError, match=ID):
        stream.close()
    assert kept(str(place)) is None
