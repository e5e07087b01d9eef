-- One row for each enforcement case as the reports count it: it begins on the day of complaint_received_date, or where
-- that is missing of complaint_received, and ends on the day of date_file_closed. A case that has ceased without being
-- closed ends on ceased_date, unless the setting reports_ceased is live; its status is not looked at.
--
-- kind: view
-- columns:
--   enforcement_id: Number of the case, `id` in enforcements
--   began: Day it begins
--   ended: Day it ends. NULL while it is open
--   age: Days from its begin to its end, or while it is open to the run or question
--   is_open: Whether it has not ended
--   is_overdue: Whether it is open after the day of target_for_closure
--   left_out: Why no other report counts it, which are the cases that report_enforcements_not_placed lists. NULL where
--     they do
with found as (
    select
        *,
        coalesce(complaint_received_date, complaint_received)::date as began,
        date_file_closed is null and not (
            coalesce(ceased, false) and setting('reports_ceased', 'ended') = 'ended'
        ) as is_open,
        case when not is_open then coalesce(date_file_closed, ceased_date) end::date as ended
    from refined.enforcements
    where
        case
            when setting('reports_ceased', 'ended') in ('ended', 'live') then true
            else error('the setting reports_ceased is ended or live')
        end
)

select
    id as enforcement_id,
    case_officer_id,
    user_team_id,
    began,
    ended,
    coalesce(ended, run_day()) - began as age,
    is_open,
    is_open and coalesce(target_for_closure::date < run_day(), false) as is_overdue,
    nullif(concat_ws(
        '; ',
        case when began is null then 'no complaint_received_date or complaint_received' end,
        case when not is_open and ended is null then 'ceased without ceased_date' end,
        case
            when is_open and reason_for_file_closure_id is not null
                then 'a reason for closing the file without date_file_closed'
        end,
        case when ended < began then 'ended before it began' end,
        case when greatest(began, ended) > run_day() then 'a date after today' end
    ), '') as left_out
from found
