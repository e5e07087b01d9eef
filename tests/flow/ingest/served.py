"""What the tests of ingestion share: small tables, data that change while they are read, comparisons."""

from datetime import datetime

from planlake.simulator.dataset import Dataset

DAY_1, DAY_2, DAY_3, DAY_4 = (f"2026-11-{day}T03:00:00" for day in (17, 18, 19, 20))
COLUMNS = "id: integer, last_updated: timestamp, name: text, amount: double, flag: boolean"
PATIENCE = "attempts: 2, timeout_seconds: 2"
FIELDS = {"id": "integer", "last_updated": "timestamp", "name": "text", "amount": "double", "flag": "boolean"}
LETTERED = COLUMNS.replace("id: integer", "id: text")
# One table whose ids are whole numbers and one whose ids are texts, which are cut into ranges in different ways.
TWO_KINDS = f"""\
source: tascomi
resources:
  numbered: {{columns: {{{COLUMNS}}}}}
  lettered: {{columns: {{{LETTERED}}}}}
tables: {{daily: [numbered, lettered]}}
"""


class Shifting(Dataset):
    """A data set that changes while it is read: `on_page(data, resource, filters, number)` is called before a page."""

    on_page = None

    def page(self, resource, filters, number):
        with self._lock:
            if self.on_page is not None:
                self.on_page(self, resource, filters, number)
            return super().page(resource, filters, number)


def served(tables, *, page_size=2, now=DAY_1, time_zone="Europe/London"):
    """A data set with empty tables of these names."""
    fields = dict.fromkeys(tables, FIELDS)
    return Shifting(fields, now=datetime.fromisoformat(now), page_size=page_size, time_zone=time_zone)


def settings_of(daily=(), weekly=(), **settings):
    """YAML that declares tables, all of the same columns; weekly ones have no date of change."""
    declared = "".join(f"  {name}: {{columns: {{{COLUMNS}}}}}\n" for name in daily)
    declared += "".join(f'  {name}: {{changed: "", columns: {{{COLUMNS}}}}}\n' for name in weekly)
    more = "".join(f", {name}: {value}" for name, value in settings.items())
    listed = f"tables: {{daily: [{', '.join(daily)}], weekly: [{', '.join(weekly)}]}}\n"
    return f"source: tascomi\nresources:\n{declared}{listed}settings: {{{PATIENCE}{more}}}\n"


def record(identity, changed="2026-11-16 09:00:00", **more):
    """A record of one id, its cells made from it."""
    cells = {"name": f"name {identity}", "amount": f"{identity}.5", "flag": "t" if identity % 2 else "f"}
    return {"id": str(identity), "last_updated": changed, **cells, **more}


def fill(data, table, count, changed="2026-11-16 09:00:00", *, start=1, **more):
    """Serve `count` records of consecutive ids."""
    for identity in range(start, start + count):
        data.put(table, record(identity, changed, **more))


def held(feed, table):
    """The typed cells of every record that a table shows, by id."""
    query = f"select id, last_updated::varchar as changed, name, amount, flag from {table} order by id"
    return {row.pop("id"): row for row in feed.rows(query)}


def shown(data, table):
    """What `held` should be: the records of the API, cast in plain Python."""
    return {
        int(one["id"]): {
            "changed": one["last_updated"],
            "name": one["name"],
            "amount": float(one["amount"]),
            "flag": one["flag"] == "t",
        }
        for one in data.records(table)
    }


def assert_equal(feed, *tables):
    """The tables show what the API has, and no version is there twice."""
    for table in tables:
        assert held(feed, table) == shown(feed.data, table), table
        doubled = f"""select
            (select count(*) - count(distinct id) from current_{table}) as current,
            (select count(*) - count(distinct (id, record_hash, batch)) from increment_{table}) as versions"""
        assert feed.rows(doubled) == [{"current": 0, "versions": 0}], table


def versions(feed, table):
    """How many versions of records a table has received."""
    return feed.rows(f"select count(*)::int as n from increment_{table}")[0]["n"]


def asked(feed, table):
    """The pages asked of a table since the list was cleared, in the order of their answers."""
    found = []
    for request in feed.simulator.requests:
        if request.path.endswith(f"/{table}"):
            window = request.query.get("last_updated") or (f"id {request.query['id']}" if "id" in request.query else "")
            found.append((window, int(request.query.get("page", "1"))))
    return found


def ledger(feed, table, columns, where="true"):
    """Rows of the ledger of a table in the order of the requests, as tuples."""
    query = f"select {columns} from api_requests where resource = '{table}' and {where} order by request_id"
    return [tuple(row.values()) for row in feed.rows(query)]


def two_kinds(count):
    """The two tables with so many records each, one more that does not cast and has keys of its own, one without id."""
    data = served(["numbered", "lettered"], page_size=20, now=DAY_1)
    data.fields = {"numbered": FIELDS, "lettered": FIELDS | {"id": "text"}}
    for table in ("numbered", "lettered"):
        fill(data, table, count)
        odd = {"amount": "no number", "Name": "a key that differs in case", "new": "key"}
        data.put(table, {**record(count + 1), **odd})
    data.put("numbered", record(count + 2), body=b'{"id": null, "name": "nobody"}')
    return data


def change_two_kinds(data):
    """What the day after changes: five records of each table, and one comes from far behind."""
    for table in ("numbered", "lettered"):
        fill(data, table, 5, "2026-11-17 09:00:00", start=3, name="changed")
        data.put(table, record(500, "2026-11-17 10:00:00"))
