-- One row for each application as all reports count it: it begins on the day of received_date and ends on the day of
-- decision_issued_date, a withdrawal being one kind of decision, or where it has none and is ceased, of ceased_date.
-- Two doubts are settings: reports_begin (received_date, or valid_date as the statutory returns count) and
-- reports_ceased (ended, or live where a ceased application without a decision is still to be dealt with).
--
-- kind: view
-- columns:
--   application_id: Number of the application
--   outcome: decided, ceased or live
--   began: Day it begins
--   ended: Day it ends. NULL while it is live
--   began_week: Monday of the report week of began. A Sunday belongs to the week that begins the next day
--   ended_week: Monday of the report week of ended, in the same way
--   left_out: Why no other report counts it, which are the cases that report_not_placed lists. NULL where they do
with found as (
    select
        application_id,
        application_type,
        application_type_code,
        application_stage,
        application_stage_name,
        officer_id,
        case
            when decision_issued_date is not null then 'decided'
            when ceased and setting('reports_ceased', 'ended') = 'ended' then 'ceased'
            else 'live'
        end as outcome,
        case setting('reports_begin', 'received_date')
            when 'received_date' then received_date
            when 'valid_date' then valid_date
            else error('the setting reports_begin is received_date or valid_date')
        end::date as began,
        case outcome when 'decided' then decision_issued_date when 'ceased' then ceased_date end::date as ended
    from trusted.applications
    where
        case
            when setting('reports_ceased', 'ended') in ('ended', 'live') then true
            else error('the setting reports_ceased is ended or live')
        end
)

select
    *,
    began + (1 - dayofweek(began))::integer as began_week,
    ended + (1 - dayofweek(ended))::integer as ended_week,
    nullif(concat_ws(
        '; ',
        case when began is null then 'no ' || setting('reports_begin', 'received_date') end,
        case when outcome = 'ceased' and ended is null then 'ceased without ceased_date' end,
        case when outcome = 'live' and application_stage = 10 then 'stage 10 without decision_issued_date' end,
        case when ended < began then 'ended before it began' end,
        case when greatest(began, ended) > run_day() then 'a date after today' end
    ), '') as left_out
from found
