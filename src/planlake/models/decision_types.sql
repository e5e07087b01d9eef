-- One row for each kind of decision, also those no longer in use: older decisions point to them.
-- The three flags go by the Exacom code alone, as they always did. What the planning system itself says stands beside
-- them in approval_decision, refusal_decision and withdrawal, and may differ.
--
-- checks:
--   unique: [decision_type_id]
--   complete: [decision_type_id, counter_decision_type]
--   accepted: {flag_dec_withdrawn: [0, 1], flag_dec_granted: [0, 1], flag_dec_refused: [0, 1]}
--   conditions: {at most one of the three holds: "flag_dec_withdrawn + flag_dec_granted + flag_dec_refused <= 1"}
-- columns:
--   decision_type_id: Number of the kind of decision, `id` in decision_types
--   decision_type: Name of the kind of decision
--   approval_decision: Whether it grants what was asked, as the planning system says
--   refusal_decision: Whether it refuses what was asked, as the planning system says
--   withdrawal: Whether it records a withdrawal, as the planning system says
--   decision_exacom_code: Word passed to the Exacom levy system, `exacom_code` in decision_types
--   counter_decision_type: 1, to add up
--   flag_dec_withdrawn: 1 if decision_exacom_code is Withdrawn (blanks around it and capitals do not matter), else 0; 0
--     without a code
--   flag_dec_granted: 1 if decision_exacom_code is Granted, in the same way, else 0
--   flag_dec_refused: 1 if decision_exacom_code is Refused, in the same way, else 0
select
    id as decision_type_id,
    name as decision_type,
    approval_decision,
    refusal_decision,
    withdrawal,
    exacom_code as decision_exacom_code,
    1 as counter_decision_type,
    coalesce(lower(trim(exacom_code)) = 'withdrawn', false)::integer as flag_dec_withdrawn,
    coalesce(lower(trim(exacom_code)) = 'granted', false)::integer as flag_dec_granted,
    coalesce(lower(trim(exacom_code)) = 'refused', false)::integer as flag_dec_refused,
    * similar to '(import|snapshot)_.*'
from refined.decision_types
