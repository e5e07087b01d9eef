"""What a process may do behind the second wall: read files, write them below one folder, and nothing else."""

import socket
import subprocess
import sys
from pathlib import Path

from planlake.report.web.worker import answer, open_workers

TRIES = """
import socket, sys
from pathlib import Path
from threading import Thread
from planlake.report.web.second_wall import CREATE_RULESET, TELL_VERSION, _call, build_second_wall

folder, port = Path(sys.argv[1]), int(sys.argv[2])
tries = {
    "read": lambda: (folder / "there").read_text(),
    "write": lambda: (folder / "there").write_text("changed"),
    "append": lambda: (folder / "there").open("a"),
    "create": lambda: (folder / "new").touch(),
    "folder": lambda: (folder / "within").mkdir(),
    "remove": lambda: (folder / "there").unlink(),
    "rename": lambda: (folder / "there").rename(folder / "moved"),
    "link": lambda: (folder / "linked").symlink_to("/etc/passwd"),
    "connect": lambda: socket.create_connection(("127.0.0.1", port)).close(),
    "listen": lambda: socket.create_server(("127.0.0.1", 0)).close(),
}
refused = []
def attempt():
    for name, one in tries.items():
        try:
            one()
        except PermissionError:
            refused.append(name)
        except OSError:
            pass  # without a wall: what was removed is renamed
is_there = build_second_wall(folder / "below")
(folder / "below/new").write_text("allowed")
attempt()
other = Thread(target=attempt)
other.start()
other.join()
print(is_there, _call(CREATE_RULESET, None, 0, TELL_VERSION), *refused)
"""
# Linux has these refusals since 5.13 and 6.7; where there are none, queries are carried out without them.
OF_FILES, OF_TCP = ["write", "append", "create", "folder", "remove", "rename", "link"], ["connect", "listen"]
HAS_WALL = """
from planlake.report.web.second_wall import build_second_wall
from pathlib import Path
print(build_second_wall(Path.cwd()))
"""


def carried_out(program, *arguments):
    found = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)], check=True, capture_output=True, text=True
    )
    return found.stdout.split()


def test_behind_the_wall_files_are_read_and_never_written_and_nobody_is_called(tmp_path):
    (tmp_path / "there").write_text("as it was")
    (tmp_path / "below").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as server:
        is_there, version, *refused = carried_out(TRIES, tmp_path, server.getsockname()[1])
    if is_there == "True":
        refusals = [*OF_FILES, *(OF_TCP if int(version) >= 4 else [])]
        assert refused == refusals * 2
        assert sorted(one.name for one in tmp_path.iterdir()) == ["below", "there"]
        assert (tmp_path / "there").read_text() == "as it was"
    else:
        assert refused == []


def test_queries_are_carried_out_behind_the_wall(config):
    [is_there] = carried_out(HAS_WALL)
    with open_workers(config) as workers:
        assert answer(workers, "select count(*) > 0 from fees").rows == (("true",),)
        status = Path(f"/proc/{workers.waiting[0].program.pid}/status").read_text(encoding="ascii")
    assert ("NoNewPrivs:\t1" in status) == (is_there == "True")
