"""What it costs to prove that a first load has everything: requests beyond one for each page.

    python benchmarks/proof.py            # 3,377 pages of 50 records, ids 99 % and 60 % dense

The real client reads the real simulator; the lake is made in a temporary folder. The largest table seen in a council's
system has 168,845 records, which is 3,377 pages.
"""

import argparse
import os
import random
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from planlake.config import load_config
from planlake.lake.open_lake import open_lake
from planlake.runs.plan import Selection
from planlake.runs.run import run
from planlake.simulator.app import PRIVATE_KEY, PUBLIC_KEY
from planlake.simulator.dataset import Dataset
from planlake.simulator.server import Simulator

RECORDS, NOW = 168_845, "2026-11-23T03:00:00"
FIELDS = {"id": "integer", "last_updated": "timestamp", "name": "text"}


def main() -> None:
    """Load a table for each density and print what was asked."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--records", type=int, default=RECORDS)
    records = parser.parse_args().records
    for density in (0.99, 0.6):
        asked, proof = loaded(density, records)
        pages = -(-records // 50)
        print(f"ids {density:.0%} dense: {asked:,} requests for {pages:,} pages, {asked / pages - 1:.1%} more; {proof}")


def loaded(density: float, records: int) -> tuple[int, str]:
    """Requests of a first load, and how the ledger says it was proven."""
    data = Dataset({"contacts_": FIELDS}, now=datetime.fromisoformat(NOW), page_size=50)
    chance, identity = random.Random(7), 0
    for _ in range(records):
        identity += 1
        while chance.random() > density:
            identity += 1
        data.put("contacts_", {"id": str(identity), "last_updated": "2026-11-16 09:00:00", "name": f"name {identity}"})
    os.environ |= {"TASCOMI_PUBLIC_KEY": PUBLIC_KEY, "TASCOMI_PRIVATE_KEY": PRIVATE_KEY, "PLANLAKE_NOW": NOW}
    simulator = Simulator(data)
    simulator.start()
    with TemporaryDirectory() as folder:
        file = Path(folder, "planlake.yaml")
        columns = ", ".join(f"{name}: {kind}" for name, kind in FIELDS.items())
        file.write_text(
            f'api: {{base_url: "{simulator.url}"}}\nresources: {{contacts_: {{columns: {{{columns}}}}}}}\n'
            "tables: {daily: [contacts_]}\nsettings: {log: off}\n"
        )
        config = load_config(file)
        if run(config, Selection()).exit_code:
            raise SystemExit("the load did not end well")
        ledger = (
            open_lake(config).find_or_create_built_in_table("raw", "api_requests").scan(row_filter="event = 'closed'")
        )
        [proof] = ledger.to_arrow()["proof"].to_pylist()
    simulator.stop()
    return len(simulator.requests), proof


if __name__ == "__main__":
    main()
