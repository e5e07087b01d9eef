-- Enforcement cases by age: open ones by the days from the complaint to the run or question, closed ones by the days it
-- took, with the days of report_enforcement_cases, in bands that end after 8, 13, 26 and 52 weeks, or as the setting
-- reports_age_bands says in days (56, 91, 182, 364).
--
-- kind: view
-- columns:
--   age_from: Least age in the band, in days
--   age_to: Greatest age in the band, in days. NULL in the last band
--   open: Cases open at this age
--   overdue: Those of them that are open after the day of target_for_closure
--   closed: Cases that were closed or ceased at this age
with aged as (
    select
        *,
        list_transform(
            regexp_split_to_array(setting('reports_age_bands', '56, 91, 182, 364'), '[\s,]+'),
            lambda days: coalesce(
                try_cast(days as integer), error('the setting reports_age_bands is days with commas, such as 56, 91')
            )
        ) as bands
    from trusted.report_enforcement_cases
    where left_out is null
)

select
    coalesce(list_max(list_filter(bands, lambda days: days < age)) + 1, 0) as age_from,
    list_min(list_filter(bands, lambda days: days >= age)) as age_to,
    count(*) filter (is_open) as open,
    count(*) filter (is_overdue) as overdue,
    count(*) filter (not is_open) as closed
from aged
group by 1, 2
order by 1
