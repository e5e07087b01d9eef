-- Applications that were not decided within the planning guarantee, after which the fee is to be paid back, and those
-- that will not be unless they are decided in the next days. A notice of any kind ends it, and so does the day on
-- which a case ceased. It says nothing about fees that were paid back already.
--
-- kind: view
-- columns:
--   application_id: Number of the application
--   application_reference_number: Its reference
--   valid_day: Day of valid_date
--   closed_day: Day of its notice, of whatever kind, else the one on which it ceased. NULL where none is known
--   outcome: How it ended, as in return_cases
--   measure: major or non-major, by the column guarantee of the mapping return_lines; a hectare or more is major
--   last_day: Last day of the guarantee, 112 days after valid_day of what is not major (16 weeks that begin the day
--     after), else 181 (26 weeks that begin with it). What became valid before 2023-12-06 (the setting
--     returns_guarantee_from) has 181 in any case. What became valid before 2013-10-01 (the setting
--     returns_guarantee_since), when regulation 9A of the fees regulations began, has no guarantee and no row
--   refund_from: The day after, from which the fee is due
--   why_not: What stands against it, which is an agreement in writing, of any length, with its date or without; that it
--     was called in; that it is over and nobody knows since when; an appeal before that day, or one without a day; or
--     that the day is still to come, at most 28 days ahead (the setting returns_guarantee_near)
--   is_due: Whether it is due, which is where nothing stands against it
with choices as (
    select
        day_setting('returns_guarantee_since', '2013-10-01') as begins,
        day_setting('returns_guarantee_from', '2023-12-06') as is_shorter_from,
        number_setting('returns_guarantee_near', 28)::integer as near
),

cases as (
    select
        *,
        valid_day + case when guarantee = 'major' or valid_day < is_shorter_from then 181 else 112 end as last_day
    from trusted.return_cases
    cross join choices
    where guarantee is not null and left_out is null and valid_day >= begins
)

select
    cases.application_id,
    application_reference_number,
    officer_id,
    valid_day,
    closed_day,
    outcome,
    guarantee as measure,
    last_day,
    last_day + 1 as refund_from,
    nullif(concat_ws(
        '; ',
        case when has_agreement then 'an agreement' end,
        case when outcome = 'called in' then 'called in' end,
        case
            when is_closed and closed_day is null and outcome <> 'called in' then 'over on a day that is not known'
        end,
        case when appeal_day <= last_day then 'an appeal' when is_undated then 'an appeal without a date' end,
        case when last_day >= run_day() then 'not yet' end
    ), '') as why_not,
    why_not is null as is_due
from cases
left join (
    select
        application_id,
        min(coalesce(appeal_start_date, submit_date)::date) as appeal_day,
        bool_or(coalesce(appeal_start_date, submit_date) is null) as is_undated
    from refined.appeals
    where enforcement_id is null
    group by application_id
) as appeal on appeal.application_id = cases.application_id
where
    last_day < run_day() + near
    and coalesce(closed_day, 'infinity') > last_day
order by last_day, cases.application_id
