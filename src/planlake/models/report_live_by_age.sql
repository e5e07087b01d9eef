-- Live applications by stage and age: the days from their begin in report_cases to the run or question, in bands that
-- end after 8, 13, 26 and 52 weeks, or as the setting reports_age_bands says in days (56, 91, 182, 364).
--
-- kind: view
-- columns:
--   age_from: Least age in the band, in days
--   age_to: Greatest age in the band, in days. NULL in the last band
--   live: Applications live at this stage and age
--   oldest: Age of the oldest of them, in days
with aged as (
    select
        *,
        run_day() - began as age,
        list_transform(
            regexp_split_to_array(setting('reports_age_bands', '56, 91, 182, 364'), '[\s,]+'),
            lambda days: coalesce(
                try_cast(days as integer), error('the setting reports_age_bands is days with commas, such as 56, 91')
            )
        ) as bands
    from trusted.report_cases
    where left_out is null and outcome = 'live'
)

select
    application_stage,
    application_stage_name,
    coalesce(list_max(list_filter(bands, lambda days: days < age)) + 1, 0) as age_from,
    list_min(list_filter(bands, lambda days: days >= age)) as age_to,
    count(*) as live,
    max(age) as oldest
from aged
group by 1, 2, 3, 4
order by 1, 2, 3
