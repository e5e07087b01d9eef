"""A file is replaced whole or not at all, only where it may be written, and nothing is left beside it."""

import os
import resource
import shutil
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

import pytest

from planlake.errors import ConflictError
from planlake.setup.replace_file import replace_file

OLD, NEW = b"old\n", b"new\n" * 1_000
NOBODY = 65534


@pytest.fixture
def file():
    """A file in a folder that everybody may write."""
    folder = Path(mkdtemp())
    folder.chmod(0o777)
    made = folder / "planlake.yaml"
    made.write_bytes(OLD)
    made.chmod(0o644)
    yield made
    shutil.rmtree(folder)


def well(_):
    """What is looked at is as it should be."""


@contextmanager
def somebody_else(file):
    """Who may write the folder and not the file."""
    if os.geteuid() != 0:
        file.chmod(0o444)
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@contextmanager
def little_room(size):
    """No file may grow larger than this."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def stays(file):
    return file.read_bytes() == OLD and list(file.parent.iterdir()) == [file]


def test_a_file_is_replaced_and_keeps_its_mode(file):
    file.chmod(0o640)
    replace_file(file, before=OLD, after=NEW, check=lambda it: it.read_bytes() == NEW or pytest.fail("another file"))
    assert file.read_bytes() == NEW
    assert file.stat().st_mode & 0o777 == 0o640
    assert list(file.parent.iterdir()) == [file]


def test_a_write_protected_file_is_refused_whoever_asks(file):
    file.chmod(0o444)
    with pytest.raises(OSError, match="write-protected"):
        replace_file(file, before=OLD, after=NEW, check=well)
    assert stays(file)


def test_a_file_one_may_not_write_is_refused_though_one_may_write_its_folder(file):
    with somebody_else(file), pytest.raises(PermissionError):
        replace_file(file, before=OLD, after=NEW, check=well)
    assert stays(file)


def test_where_there_is_no_room_nothing_is_left(file):
    with little_room(100), pytest.raises(OSError, match="too large"):
        replace_file(file, before=OLD, after=NEW, check=well)
    assert stays(file)


def test_what_is_not_as_it_should_be_does_not_take_the_place(file):
    def look(beside):
        raise ValueError(beside.name)

    with pytest.raises(ValueError, match=r"planlake\.yaml"):
        replace_file(file, before=OLD, after=NEW, check=look)
    assert stays(file)


def test_what_somebody_else_wrote_meanwhile_stays(file):
    with pytest.raises(ConflictError):
        replace_file(file, before=b"older", after=NEW, check=well)
    assert stays(file)
