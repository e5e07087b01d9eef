-- How many major and non-major decisions were in time, as the department measures it: in the 12 months up to the end of
-- each quarter, of which that of 30 September counts for designation. The last row of each measure is of the quarter
-- that is not over.
--
-- kind: view
-- columns:
--   window_end: Last day of the months that are counted
--   is_finished: Whether these months are over; until then the figures still grow
--   measure: majors or non-majors, by the column measure of the mapping return_lines. Minerals are in neither there,
--     and a technical details consent for a major is a major
--   window_months: How many months, 12 or the setting returns_speed_months (24 before the criteria of December 2024)
--   decisions: Decisions in these months
--   in_time: Those within the statutory period, or as agreed
--   in_statutory_time: Those within the statutory period without an agreement
--   in_time_percent: in_time as a share of decisions, not rounded. NULL where there is none
--   in_statutory_time_percent: in_statutory_time as a share of decisions, in the same way
--   threshold_percent: Share under which a council may be designated, 60 of majors (the setting returns_speed_majors)
--     and 70 of non-majors (returns_speed_non_majors)
--   is_under: Whether in_time_percent is less. NULL where nothing was decided, and where majors are so few (2, the
--     setting returns_few_majors) that they are not assessed
with cases as (
    select * from trusted.return_cases where left_out is null
),

windows as (
    select
        last_day(quarter + interval 2 months) as window_end,
        (window_end + 1 - to_months(window_months))::date as window_start,
        measures.*
    from (
        select
            unnest(generate_series(
                date_trunc('quarter', min(valid_day)), run_day(), interval 3 months
            ))::date as quarter
        from cases
    )
    cross join (
        select
            unnest(['major', 'non-major']) as measure,
            unnest([
                number_setting('returns_speed_majors', 60), number_setting('returns_speed_non_majors', 70)
            ]) as threshold_percent,
            count_setting('returns_speed_months', 12) as window_months
    ) as measures
),

counted as (
    select
        window_end,
        windows.measure || 's' as measure,
        window_months,
        threshold_percent,
        count(outcome) as decisions,
        count(*) filter (in_time) as in_time,
        count(*) filter (in_statutory_time) as in_statutory_time
    from windows
    left join cases
        on cases.measure = windows.measure
        and outcome in ('granted', 'refused')
        and ended_day between window_start and window_end
    group by all
)

select
    window_end,
    window_end < run_day() as is_finished,
    measure,
    window_months,
    decisions,
    in_time,
    in_statutory_time,
    100.0::double * in_time / nullif(decisions, 0) as in_time_percent,
    100.0::double * in_statutory_time / nullif(decisions, 0) as in_statutory_time_percent,
    threshold_percent,
    case
        when measure = 'non-majors' or decisions > number_setting('returns_few_majors', 2)
            then in_time_percent < threshold_percent
    end as is_under
from counted
order by window_end, measure
