-- One row for each prior approval that PS1 counts: its class, how it ended and when. Prior approvals are those of which
-- the development type says pa_for_pd or pa_for_pd_other, but no county matters nor what the planning system itself
-- leaves out of the returns.
--
-- kind: view
-- columns:
--   application_id: Number of the application
--   application_reference_number: Its reference
--   class: Class of PS1, by the first row of the mapping return_classes of which the pattern fits the names of
--     development type and application type (`%` is any text). No column holds the class, so edit the patterns
--   valid_day: Day of valid_date
--   last_day: Last day for an answer, by the days of the class, or by an agreement that is longer. The setting
--     returns_lapsed_extended (extended) can be not extended, as it was disputed whether one stops a deemed approval
--   outcome: not required, granted, refused, withdrawn (or ended otherwise without an answer), live, or unknown where
--     the kind of decision is. One that had no answer by last_day is not required where the class is deemed approved
--     then, unless the setting returns_lapsed (not required) is live
--   ended_day: Day of decision_issued_date; of one without an answer the day after last_day. NULL while it is live
--   lapsed: Whether it had no answer in time and is deemed approved
--   left_out: Why PS1 does not count it. NULL where it does
--   doubts: What has to be looked at, though it counts. NULL where there is nothing
with choices as (
    select
        setting('returns_lapsed', 'not required') as lapse_means,
        setting('returns_lapsed_extended', 'extended') as lapse_waits
    where
        case
            when lapse_means not in ('not required', 'live')
                then error('the setting returns_lapsed is not required or live')
            when lapse_waits not in ('extended', 'not extended')
                then error('the setting returns_lapsed_extended is extended or not extended')
            else true
        end
),

prior_approvals as (
    select
        application.id as application_id,
        application.application_reference_number,
        application.officer_id,
        application.valid_date::date as valid_day,
        application.decision_issued_date::date as issued_day,
        application.extension_of_time_due_date::date as extended_to,
        concat_ws(' ', code.name, type.name) as names,
        application.decision_type_id,
        case
            when decision.pa_not_required then 'not required'
            when decision.withdrawal or decision.called_in or decision.turned_away or decision.transfer then 'withdrawn'
            when decision.approval_decision then 'granted'
            when decision.refusal_decision then 'refused'
        end as means
    from refined.applications as application
    inner join refined.ps_development_codes as code on code.id = application.ps_development_code_id
    left join refined.application_types as type on type.id = application.application_type_id
    left join refined.decision_types as decision on decision.id = application.decision_type_id
    where
        (code.pa_for_pd or code.pa_for_pd_other)
        and application.county_matters is not true
        and type.exclude_from_stat_returns is not true
        and code.exclude_from_stat_returns is not true
),

classes as (  -- the mapping, of which a slip of the pen would place cases wrongly and say nothing
    select
        pattern,
        class,
        coalesce(
            try_cast(rank as integer),
            error('the column rank of the mapping return_classes is a whole number')
        ) as rank,
        coalesce(
            try_cast(days as integer),
            error('the column days of the mapping return_classes is a number of days')
        ) as days,
        coalesce(
            try_cast(is_deemed as boolean),
            error('the column is_deemed of the mapping return_classes is true or false')
        ) as is_deemed
    from mapping.return_classes
),

classed as (
    select
        prior_approvals.*,
        place.class,
        greatest(
            valid_day + place.days,
            case when lapse_waits = 'extended' and valid_day is not null then extended_to end
        ) as last_day,
        issued_day is null
        and means is distinct from 'withdrawn'
        and place.is_deemed
        and lapse_means = 'not required'
        and coalesce(last_day < run_day(), false) as lapsed
    from prior_approvals
    cross join choices
    left join classes as place on prior_approvals.names ilike place.pattern
    qualify row_number() over (partition by application_id order by place.rank) = 1
)

select
    application_id,
    application_reference_number,
    officer_id,
    class,
    valid_day,
    last_day,
    case
        when lapsed then 'not required'
        when issued_day is not null then coalesce(means, 'unknown')
        when means = 'withdrawn' then means
        else 'live'
    end as outcome,
    case when lapsed then last_day + 1 when outcome not in ('live', 'unknown') then issued_day end as ended_day,
    lapsed,
    nullif(concat_ws(
        '; ',
        case when class is null then 'no class' end,
        case when valid_day is null and ended_day is not null then 'ended without valid_date' end,
        case when ended_day < valid_day then 'ended before it was valid' end,
        case when valid_day < date '1948-07-01' then 'valid before there was planning permission' end,
        case when greatest(valid_day, ended_day) > run_day() then 'a date after today' end
    ), '') as left_out,
    case
        when outcome = 'unknown' then 'a kind of decision that is no answer'
        when issued_day is null and decision_type_id is not null
            then coalesce(means, 'a kind of decision that is no answer,') || ' without a date'
    end as doubts
from classed
