-- What is to be put right, or looked at, before a return is sent: one row for each application or prior approval, with
-- all that is wrong with it, and one for each development type or assessment whose days differ from those of the
-- returns.
--
-- kind: view
-- optional: [eias]
-- columns:
--   application_id: Number of the application. NULL where a development type or an assessment has to be looked at
--   reason: What is wrong, all of it
--   is_counted: Whether the returns count it nevertheless. What is not valid yet is counted nowhere
select
    application_id,
    officer_id,
    concat_ws('; ', left_out, doubts) as reason,
    left_out is null and valid_day is not null as is_counted
from trusted.return_cases
where reason <> ''
union all
select
    application_id,
    officer_id,
    concat_ws('; ', left_out, doubts) as reason,
    left_out is null and valid_day is not null
from trusted.return_prior_approvals
where reason <> ''
union all
select
    null,
    null,
    concat('development type ', code.id, ' has ', code.expiry_days, ' expiry_days, its line ', line.statutory_days),
    true
from refined.ps_development_codes as code
inner join mapping.return_lines as line on line.development_type = trim(code.name)
where code.expiry_days <> line.statutory_days::integer and code.exclude_from_stat_returns is not true
union all
select null, null, concat('assessment ', id, ' has ', expiry_days, ' expiry_days, the law 112'), true
from refined.eias
where eia_application and expiry_days <> 112
union all
select
    null,
    null,
    concat('the setting returns_live_again names ', named, ', and no decision type is called so'),
    true
from (select unnest(regexp_split_to_array(setting('returns_live_again', ''), '\s*,\s*')) as named)
where named <> '' and named not in (select trim(name) from refined.decision_types where name is not null)
order by all
