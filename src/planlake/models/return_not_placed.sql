-- What is to be put right, or looked at, before a return is sent: one row for each application or prior approval, with
-- all that is wrong with it, one for each enforcement action and appeal that no return counts as it lacks something,
-- and one for each development type or assessment whose days differ from those of the returns.
--
-- kind: view
-- optional: [eias, appeals, appeal_decision]
-- columns:
--   application_id: Number of the application. NULL where it is something else that has to be looked at
--   application_reference_number: Its reference
--   reason: What is wrong, all of it
--   reason_code: The same without figures, to count by
--   quarter: First day of the quarter in which it ended, or became valid where it has not
--   line: Its line of PS2, or the class of a prior approval
--   is_counted: Whether the returns count it nevertheless. What is not valid yet is counted nowhere
select
    application_id,
    application_reference_number,
    officer_id,
    concat_ws('; ', left_out, doubts) as reason,
    regexp_replace(reason, 'with [0-9.e+-]+ ha, on the line \w+', 'by its area') as reason_code,
    date_trunc('quarter', coalesce(ended_day, valid_day))::date as quarter,
    line,
    left_out is null and valid_day is not null as is_counted
from trusted.return_cases
where reason <> ''
union all
select
    application_id,
    application_reference_number,
    officer_id,
    concat_ws('; ', left_out, doubts) as reason,
    reason,
    date_trunc('quarter', coalesce(ended_day, valid_day))::date,
    class,
    left_out is null and valid_day is not null
from trusted.return_prior_approvals
where reason <> ''
union all
select
    null,
    null,
    null,
    concat('enforcement action ', action_id, ' of enforcement case ' || enforcement_id, ': ', left_out),
    'enforcement action: ' || regexp_replace(left_out, ' [0-9]+', ''),
    date_trunc('quarter', day)::date,
    line,
    false
from trusted.return_enforcement
where left_out is not null
union all
select
    cases.application_id,
    cases.application_reference_number,
    cases.officer_id,
    concat('appeal ', appeal.id, ': ', concat_ws(
        '; ',
        case
            when against_lpa and appeal_decision_date is null and cases.outcome <> 'granted'
                then 'allowed without appeal_decision_date'
        end,
        case
            when cases.outcome in ('granted', 'refused') then null
            when coalesce(appeal_start_date, appeal.submit_date) is null
                then 'of what was not decided, without appeal_start_date and submit_date'
        end,
        case
            when against_lpa and cases.outcome = 'refused' and appeal_decision_date::date < cases.ended_day
                then 'allowed before the decision'
        end
    )) as reason,
    regexp_replace(reason, '^appeal [0-9]+', 'appeal'),
    date_trunc('quarter', coalesce(cases.ended_day, cases.valid_day))::date,
    cases.line,
    false
from trusted.return_cases as cases
inner join refined.appeals as appeal using (application_id)
inner join refined.appeal_decision as decision on decision.id = appeal.appeal_decision_id
where
    appeal.enforcement_id is null
    and (against_lpa or for_lpa)
    and cases.measure is not null
    and cases.left_out is null
    and not ends_with(reason, ': ')
union all
select
    null,
    null,
    null,
    concat('development type ', code.id, ' has ', code.expiry_days, ' expiry_days, its line ', line.statutory_days),
    'the days of a development type',
    null,
    line.line,
    true
from refined.ps_development_codes as code
inner join mapping.return_lines as line on line.development_type = trim(code.name)
where code.expiry_days <> line.statutory_days::integer and code.exclude_from_stat_returns is not true
union all
select
    null,
    null,
    null,
    concat('assessment ', id, ' has ', expiry_days, ' expiry_days, the law 112'),
    'the days of an assessment',
    null,
    null,
    true
from refined.eias
where eia_application and expiry_days <> 112
union all
select
    null,
    null,
    null,
    concat('the setting returns_live_again names ', named, ', and no decision type is called so'),
    'a decision type in a setting',
    null,
    null,
    true
from (select unnest(regexp_split_to_array(trim(setting('returns_live_again', '')), '\s*,\s*')) as named)
where named <> '' and named not in (select trim(name) from refined.decision_types where name is not null)
order by all
