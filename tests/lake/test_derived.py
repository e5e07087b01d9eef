"""What a query makes of hidden columns is hidden, however it goes about it; what says only that there are some is not.

Each query is carried out: a column in which a planted value stands has to be hidden.
"""

import duckdb
import pytest

from planlake.lake.views.derived import derived

HIDDEN = {("refined", "people"): {"email", "Born"}, ("refined", "codes"): set(), ("trusted", "told"): {"email"}}
MAKES = """
    create schema refined; create schema trusted;
    create table refined.people as
        select 1 as id, 'Planted@x' as email, 19700101 as "Born", 'S1' as site, [1, 2] as numbers;
    create table refined.codes as select 1 as id, 'A' as email, 'B' as name;
    create table trusted.told as select * exclude ("Born") from refined.people;
"""
PEOPLE = "from refined.people as p"
QUERIES = {  # by query: the columns that are hidden
    f"select id, email, site {PEOPLE}": {"email"},
    f"select * {PEOPLE}": {"email", "born"},
    f"select to_json(p) as whole, id {PEOPLE}": {"whole"},
    "select people::varchar as whole from refined.people": {"whole"},
    f"select p as whole, [email] as listed, struct_pack(x := email) as packed {PEOPLE}": {"whole", "listed", "packed"},
    f"select concat(site, ' ', email) as both, coalesce(site, email) as either {PEOPLE}": {"both", "either"},
    f"select concat_ws(' ', *columns(*)) as all_of_it {PEOPLE}": {"all_of_it"},
    f"select map {{'a': email}} as mapped, max(email) over (order by id) as last {PEOPLE}": {"mapped", "last"},
    f'select "Born" as of, p.born + 1 as later {PEOPLE}': {"of", "later"},
    f"select case when id = 1 then email else 'none' end as told {PEOPLE}": {"told"},
    f"select * rename (email as renamed) {PEOPLE}": {"renamed", "email", "born"},
    f"select * exclude (email) replace (upper(email) as site) {PEOPLE}": {"site", "born", "email"},
    f"with c as (select email as one {PEOPLE}) select one as two, site {PEOPLE}, c": {"one", "two", "email", "born"},
    f"with c(one, two) as (select id, email {PEOPLE}) select two as three, one from c": {"two", "three"},
    f"select two from (select id, email {PEOPLE}) as t(one, two)": {"two"},
    f"select (select max(email) {PEOPLE}) as most, id from refined.codes": {"most"},
    f"select name, id from refined.codes union all select email, id {PEOPLE}": {"name"},
    f"select id, name from refined.codes union all by name select id, email as name {PEOPLE}": {"name"},
    f"select c.email as code, c.name, p.site {PEOPLE}, refined.codes as c": set(),
    f"select count(email) as filled, max(length(email)) as long {PEOPLE}": set(),
    f"select email is null as none, email like 'P%' as p, length(email) as long {PEOPLE}": set(),
    f"select case when email like 'P%' then 'some' else 'none' end as told {PEOPLE}": set(),
    f"select site, count(*) filter (email is not null) as filled {PEOPLE} where email <> '' group by site": set(),
    f"select id, exists (select email {PEOPLE}) as is_there from refined.codes": set(),
    "select v.a, v.b from (values (1, 'x'), (2, 'y')) as v(a, b), refined.people": set(),
    f"select unnest(numbers) as number, id {PEOPLE}": set(),
    "select told.email as code, told.site from trusted.told": {"code"},
}
UNKNOWN = (
    f"select columns('(e.*)') as 'x_\\1' {PEOPLE}",
    f"select unnest(struct_pack(x := email)) {PEOPLE}",
    f"select upper(email) {PEOPLE}",
    f"select * from refined.codes union all select id, site, email {PEOPLE}",
    f"select * from (select email {PEOPLE}) as t(one), (select * {PEOPLE}) as u(a, b, c)",
    f"pivot (select id, email {PEOPLE}) on email in ('Planted@x') using max(email)",
    "select * from refined.others",
    "no query at all",
)


@pytest.fixture(scope="module")
def connection():
    with duckdb.connect() as made:
        made.execute(MAKES)
        yield made


@pytest.mark.parametrize(("query", "expected"), QUERIES.items())
def test_columns_are_hidden_by_what_they_are_derived_from(connection, query, expected):
    found = derived(query, HIDDEN)
    rows = connection.sql(query)
    planted = {
        name.lower()
        for name, values in zip(rows.columns, zip(*rows.fetchall(), strict=True), strict=True)
        if "Planted" in str(values) or "1970010" in str(values)
    }
    assert found.is_known
    assert planted <= found.hidden
    assert {name.lower() for name in rows.columns} & found.hidden == expected & {name.lower() for name in rows.columns}


@pytest.mark.parametrize("query", UNKNOWN)
def test_a_query_that_cannot_be_followed_is_told_as_one(query):
    assert not derived(query, HIDDEN).is_known
