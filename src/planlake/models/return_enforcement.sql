-- One row for each enforcement action that PS1 counts or would count if it knew more: its line and day. Actions whose
-- kind is no notice, order or injunction have none, and while action_types is not loaded there is no row at all.
--
-- kind: view
-- optional: [action_types, enforcement_actions_taken]
-- columns:
--   action_id: Number of the action
--   enforcement_id: Number of its enforcement case
--   line: Line of PS1, by the flags of its kind; notices that are none of the others are enforcement notices. Codes of
--     injunction_decision_id are not documented, so the settings returns_injunctions_granted and
--     returns_injunctions_refused name those of the council, with commas. NULL where its kind is not known
--   day: Day by which it is counted, which is issue_date of enforcement notices, court_decision_date of orders,
--     injunction_date of injunctions, else date_served
--   is_again: Whether it is an injunction granted in a case that had one before, which PS1 does not count again
--   left_out: Why PS1 does not count it. NULL where it does, or only does not count it again
with choices as (
    select
        regexp_split_to_array(trim(setting('returns_injunctions_granted', '')), '\s*,\s*') as granted,
        regexp_split_to_array(trim(setting('returns_injunctions_refused', '')), '\s*,\s*') as refused
),

placed as (
    select
        action.id as action_id,
        action.enforcement_id,
        action.action_type_id,
        type.id as known_type_id,
        case
            when type.stop_notice then 'stop notices'
            when type.temporary_stop_notice then 'temporary stop notices'
            when type.breach_of_condition_notice then 'breach of condition notices'
            when type.planning_contravention_notice then 'planning contravention notices'
            when type.planning_enforcement_order then 'enforcement orders'
            when type.injunction then case
                when list_contains(granted, injunction_decision_id::varchar) then 'injunctions granted'
                when list_contains(refused, injunction_decision_id::varchar) then 'injunctions refused'
                else 'injunctions of unknown outcome'
            end
            when type.is_notice then 'enforcement notices'
        end as line,
        case
            when line is null then null
            when line = 'enforcement notices' then 'issue_date'
            when line = 'enforcement orders' then 'court_decision_date'
            when line like 'injunctions %' then 'injunction_date'
            else 'date_served'
        end as goes_by,
        case goes_by
            when 'issue_date' then issue_date
            when 'court_decision_date' then court_decision_date
            when 'injunction_date' then injunction_date
            when 'date_served' then date_served
        end::date as day
    from refined.enforcement_actions_taken as action
    cross join choices
    left join refined.action_types as type on type.id = action.action_type_id
    where exists (from refined.action_types)
)

select
    action_id,
    enforcement_id,
    line,
    day,
    coalesce(
        line = 'injunctions granted' and enforcement_id is not null and row_number() over (
            partition by enforcement_id, line
            order by day nulls last, action_id
        ) > 1,
        false
    ) as is_again,
    case
        when action_type_id is null then 'no kind of action'
        when known_type_id is null then concat('its kind of action ', action_type_id, ' is not known')
        when day is null then 'no ' || goes_by
        when day > run_day() then 'a date after today'
    end as left_out
from placed
where line is not null or known_type_id is null
