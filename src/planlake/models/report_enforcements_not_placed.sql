-- Enforcement cases to be put right, one row each with the reason: no date to count by, or dates that cannot be. No
-- other report counts them.
--
-- kind: view
-- columns:
--   enforcement_id: Number of the case
--   reason: What is wrong, all of it
select enforcement_id, case_officer_id, left_out as reason
from trusted.report_enforcement_cases
where left_out is not null
order by enforcement_id
