-- One row for each development type of the statutory returns, with the group it counts in. Types no longer in use are
-- in it: older applications point to them.
--
-- checks:
--   unique: [ps_development_code_id]
--   complete: [ps_development_code_id, dev_type, counter_ps_code]
--   accepted: {dev_type: [Major, Minor, Other, No Reg. on Stat Returns]}
-- columns:
--   ps_development_code_id: Number of the development type, `id` in ps_development_codes
--   development_type: Name of the development type
--   expiry_days: Days allowed for a decision on this type
--   major: Whether the type counts as major development, as the planning system says; dev_type goes by the name
--   minor: Whether the type counts as minor development, as the planning system says; dev_type goes by the name
--   exclude_from_stat_returns: Whether the type is left out of the national returns, as the planning system says
--   dev_type: Major, Minor or Other as the mapping dev_type says of the name (blanks around it do not matter, capitals
--     do). No Reg. on Stat Returns for every other name, and where there is none
--   counter_ps_code: 1, to add up
select
    code.id as ps_development_code_id,
    code.name as development_type,
    code.expiry_days,
    code.major,
    code.minor,
    code.exclude_from_stat_returns,
    coalesce(grouped.dev_type, 'No Reg. on Stat Returns') as dev_type,
    1 as counter_ps_code,
    code.* similar to '(import|snapshot)_.*'
from refined.ps_development_codes as code
left join mapping.dev_type as grouped on grouped.development_type = trim(code.name)
