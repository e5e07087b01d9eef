-- Live applications that are over their date, one row each, the longest over it first: the day of the run or question
-- is after current_expiry_date of applications, or after the day of a performance agreement where that is later.
--
-- kind: view
-- columns:
--   application_id: Number of the application
--   application_reference_number: Its reference
--   due: Last day in time
--   days_over: Days from due to the run or question
select
    application_id,
    found.application_reference_number,
    one.application_type,
    one.application_stage_name,
    one.officer_id,
    greatest(found.current_expiry_date, found.ppa_decision_due_date::date) as due,
    run_day() - due as days_over
from trusted.report_cases as one
join trusted.applications as found using (application_id)
where one.left_out is null and one.outcome = 'live' and due < run_day()
order by days_over desc, application_id
