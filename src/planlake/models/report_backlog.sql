-- Applications that were live at the end of each report week, a Saturday: begun by then and not ended by then.
-- It is counted from the days in report_cases as they stand now, so a date put right changes past weeks too; the last
-- week is the one of the run or question, as far as it has come.
--
-- kind: view
-- columns:
--   report_week: Monday of the week. A Sunday belongs to the week that begins the next day
--   live_at_start: Applications live when the week began
--   received: Applications that began in the week
--   decided: Applications decided in the week
--   ceased: Applications that ceased in the week without a decision
--   live_at_end: live_at_start and received less decided and ceased
with happened as (
    select began_week as report_week, 'received' as what from trusted.report_cases where left_out is null
    union all
    select ended_week, outcome from trusted.report_cases where left_out is null and outcome <> 'live'
    union all  -- a week in which nothing happened has a row too
    select unnest(generate_series(min(began_week), run_day() + 1, interval 7 days))::date, ''
    from trusted.report_cases
    where left_out is null
),

counted as (
    select
        report_week,
        count(*) filter (what = 'received') as received,
        count(*) filter (what = 'decided') as decided,
        count(*) filter (what = 'ceased') as ceased,
        sum(received - decided - ceased) over (order by report_week)::bigint as live_at_end
    from happened
    group by report_week
)

select
    report_week,
    live_at_end - received + decided + ceased as live_at_start,
    received,
    decided,
    ceased,
    live_at_end
from counted
order by report_week
