-- One row for each level at which decisions are taken, also those no longer in use: older decisions point to them.
--
-- checks:
--   unique: [decision_level_id]
--   complete: [decision_level_id, counter_decision_level]
--   accepted: {flag_delegated: [0, 1]}
-- columns:
--   decision_level_id: Number of the level, `id` in decision_levels
--   decision_level: Name of the level
--   committee: Whether decisions at this level are taken by a committee, as the planning system says
--   counter_decision_level: 1, to add up
--   flag_delegated: 1 if the level's name is Delegated (blanks around it and capitals do not matter), else 0
select
    id as decision_level_id,
    name as decision_level,
    committee,
    1 as counter_decision_level,
    coalesce(lower(trim(name)) = 'delegated', false)::integer as flag_delegated,
    * similar to '(import|snapshot)_.*'
from refined.decision_levels
