-- PS2, the return of decisions: one row for each quarter and line of development types in which anything was decided,
-- and one for each quarter with the totals. It is counted from the dates as they stand now; planlake sql --as-of DAY
-- gives what stood here on the day when a return was sent.
--
-- checks:
--   unique: [[quarter, line, in_totals]]
--   complete: [quarter, line, in_totals, total]
--   conditions:
--     all are granted or refused: total = granted + refused
--     all are in one band or agreed: "total = up_to_8_weeks + over_8_to_13 + over_13_to_16 + over_16_to_26
--       + over_26_to_52 + over_52 + agreed"
--     those in agreed time are agreed: in_agreed_time <= agreed
--     those in statutory time are in time: "in_statutory_time <= in_time and in_time <= total"
--     quarters begin with their first day: "quarter = date_trunc('quarter', quarter)"
-- columns:
--   quarter: First day of the quarter in which the notice was given
--   is_finished: Whether the quarter is over
--   line: Line of the form, or Total
--   line_name: What the line is called
--   dev_group: major, minor or other, or outside where it never counts in the totals. NULL of the total
--   in_totals: Whether the row counts in the total of the quarter; true of the total
--   total: Decisions
--   granted: Decisions that grant what was asked, split ones among them unless the setting returns_split is refused
--   refused: Decisions that refuse it
--   up_to_8_weeks: Decisions within 56 days of valid_date without an agreement
--   over_8_to_13: Decisions within 57 to 91 days without an agreement
--   over_13_to_16: Decisions within 92 to 112 days without an agreement
--   over_16_to_26: Decisions within 113 to 182 days without an agreement
--   over_26_to_52: Decisions within 183 to 364 days without an agreement
--   over_52: Decisions after 365 days or more without an agreement
--   agreed: Decisions with an extension of time, a performance agreement or an environmental impact assessment (J)
--   in_agreed_time: Those of them that were given by the day that was agreed (K)
--   in_time: Decisions within the statutory period, or as agreed
--   in_statutory_time: Decisions within the statutory period without an agreement
--   in_time_percent: in_time as a share of total, not rounded. NULL where nothing was decided
--   in_statutory_time_percent: in_statutory_time as a share of total, in the same way
with cases as (
    select
        *,
        date_trunc('quarter', ended_day)::date as quarter
    from trusted.return_cases
    where left_out is null
),

decided as (
    select * from cases where outcome in ('granted', 'refused')
),

quarters as (
    select unnest(generate_series(date_trunc('quarter', min(valid_day)), run_day(), interval 3 months))::date as quarter
    from cases
),

counted as (
    select * from decided
    union all by name
    select
        decided.* exclude (quarter, line, line_name, dev_group, in_totals),
        quarters.quarter,
        'Total' as line,
        'All lines in the totals' as line_name,
        true as in_totals
    from quarters
    left join decided on decided.quarter = quarters.quarter and decided.in_totals
),

summed as (
    select
        quarter,
        line,
        max(line_name) as line_name,
        max(dev_group) as dev_group,
        in_totals,
        count(outcome) as total,
        count(*) filter (outcome = 'granted') as granted,
        count(*) filter (outcome = 'refused') as refused,
        count(*) filter (band = '<= 8') as up_to_8_weeks,
        count(*) filter (band = '8-13') as over_8_to_13,
        count(*) filter (band = '13-16') as over_13_to_16,
        count(*) filter (band = '16-26') as over_16_to_26,
        count(*) filter (band = '26-52') as over_26_to_52,
        count(*) filter (band = '> 52') as over_52,
        count(*) filter (agreed) as agreed,
        count(*) filter (in_agreed_time) as in_agreed_time,
        count(*) filter (in_time) as in_time,
        count(*) filter (in_statutory_time) as in_statutory_time
    from counted
    group by quarter, line, in_totals
)

select
    *,
    quarter + interval 3 months <= run_day() as is_finished,
    100.0::double * in_time / nullif(total, 0) as in_time_percent,
    100.0::double * in_statutory_time / nullif(total, 0) as in_statutory_time_percent
from summed
order by quarter, line = 'Total', in_totals desc, length(line), line
