-- PS1, the return of work: one row for each quarter and line, of all quarters since the first application became valid.
-- It counts the applications that the totals of PS2 do, prior approvals by class, and enforcement once action_types and
-- enforcement_actions_taken are loaded (planlake add NAME); until then that part is missing, which is not the same as 0.
--
-- optional: [action_types, enforcement_actions_taken]
-- checks:
--   unique: [[quarter, part, line]]
--   complete: [quarter, part, line, count]
--   accepted: {part: [work, delegated, council, environment, enforcement, prior approvals]}
--   conditions:
--     the lines of a quarter agree: "count = coalesce(expected, count)"
-- columns:
--   quarter: First day of the quarter
--   is_finished: Whether the quarter is over
--   part: work, delegated, council, environment, enforcement or prior approvals
--   line: Line of the part. On hand are applications that had become valid before the quarter began (or ended) and had
--     not ended by then; received are those that became valid in it, and all others are counted in the quarter in which
--     they ended. Delegated lines are of decisions. Consents of the council's own development (regulation 3) and on its
--     land (regulation 4) are those granted, unless the setting returns_council (granted) is decided. Environmental
--     statements are counted with the applications received. Of prior approvals it is a class and received, not
--     required (those without an answer in time too, where the class is deemed approved), granted or refused
--   count: How many. Notices are counted and not cases, withdrawn and quashed ones too; return_enforcement places them.
--     Of several injunctions granted in one enforcement case the first counts
--   expected: What other lines make of it, which is checked. It is on hand at end from all that came and went, decided
--     from the total of PS2, decisions at no known level from those at known ones. NULL on other lines
with cases as (
    select * from trusted.return_cases where left_out is null and in_totals
),

quarters as (
    select
        quarter,
        (quarter + interval 3 months)::date as next,
        total
    from trusted.return_ps2
    where line = 'Total'
),

answers as materialized (  -- so that it is worked out once
    select * from trusted.return_prior_approvals where left_out is null
),

happened as (
    select valid_day as day, 'work' as part, 'received' as line from cases
    union all
    select ended_day, 'work', case when outcome in ('granted', 'refused') then 'decided' else outcome end from cases
    union all
    select
        ended_day,
        'delegated',
        case when delegated then 'delegated' when not delegated then 'not delegated' else 'unknown' end
    from cases
    where outcome in ('granted', 'refused')
    union all
    select ended_day, 'council', unnest([
        case when is_regulation_3 then 'regulation 3' end,
        case when is_regulation_4 then 'regulation 4' end
    ])
    from cases
    where case setting('returns_council', 'granted')
        when 'granted' then outcome = 'granted'
        when 'decided' then outcome in ('granted', 'refused')
        else error('the setting returns_council is granted or decided')
    end
    union all
    select valid_day, 'environment', 'environmental statements' from cases where environmental_statement
    union all
    select day, 'enforcement', line from trusted.return_enforcement where left_out is null and not is_again
    union all
    select valid_day, 'prior approvals', class || ' received' from answers
    union all
    select ended_day, 'prior approvals', class || ' ' || outcome from answers
),

lines as (
    select * from (values
        (1, 'work', 'on hand at start'), (2, 'work', 'received'), (3, 'work', 'withdrawn'), (4, 'work', 'called in'),
        (5, 'work', 'turned away'), (6, 'work', 'decided'), (7, 'work', 'on hand at end'),
        (8, 'delegated', 'delegated'), (9, 'delegated', 'not delegated'), (10, 'delegated', 'unknown'),
        (11, 'council', 'regulation 3'), (12, 'council', 'regulation 4'),
        (13, 'environment', 'environmental statements'),
        (14, 'enforcement', 'enforcement notices'), (15, 'enforcement', 'stop notices'),
        (16, 'enforcement', 'temporary stop notices'), (17, 'enforcement', 'breach of condition notices'),
        (18, 'enforcement', 'planning contravention notices'), (19, 'enforcement', 'injunctions granted'),
        (20, 'enforcement', 'injunctions refused'), (21, 'enforcement', 'injunctions of unknown outcome'),
        (22, 'enforcement', 'enforcement orders')
    ) as known(place, part, line)
    where
        part <> 'enforcement'
        or (exists (from refined.action_types) and exists (from refined.enforcement_actions_taken))
    union all
    select
        22 + 4 * rank::integer + number,
        'prior approvals',
        class || [' received', ' not required', ' granted', ' refused'][number]
    from (select min(rank::integer) as rank, class from mapping.return_classes group by class)
    cross join generate_series(1, 4) as four(number)
),

counted as (
    select date_trunc('quarter', day)::date as quarter, part, line, count(*) as count
    from happened
    group by all
    union all
    select quarter, 'work', 'on hand at start', count(*)
    from quarters
    inner join cases on valid_day < quarter and coalesce(ended_day, 'infinity') >= quarter
    group by quarter
    union all
    select quarter, 'work', 'on hand at end', count(*)
    from quarters
    inner join cases on valid_day < next and coalesce(ended_day, 'infinity') >= next
    group by quarter
),

returned as (
    select quarters.quarter, quarters.total, lines.place, lines.part, lines.line, coalesce(counted.count, 0) as count
    from quarters
    cross join lines
    left join counted on counted.quarter = quarters.quarter and counted.part = lines.part and counted.line = lines.line
)

select
    quarter,
    quarter + interval 3 months <= run_day() as is_finished,
    part,
    line,
    count,
    case line
        when 'on hand at end' then sum(case
            when part <> 'work' or line = 'on hand at end' then 0
            when line in ('on hand at start', 'received') then count
            else -count
        end) over of_quarter
        when 'decided' then total
        when 'unknown' then sum(case
            when line = 'decided' then count
            when line in ('delegated', 'not delegated') then -count
            else 0
        end) over of_quarter
    end::bigint as expected
from returned
window of_quarter as (partition by quarter)
order by quarter, place
