"""The simulator over resources in plain Python, which knows any key and any filter."""

from datetime import datetime

from planlake.simulator.dataset import Dataset, encode


class Showing(Dataset):
    """A data set that shows `histories.Shown` resources as they are at the moment."""

    def __init__(self, names, *, page_size):
        super().__init__({name: {} for name in names}, now=datetime(2026, 1, 1), page_size=page_size)  # noqa: DTZ001
        self.shown = {}

    def page(self, resource, filters, number):
        found = self.shown[resource].records(filters)
        part = found[(number - 1) * self.page_size : number * self.page_size]
        return len(found), encode(part) if part else b""
