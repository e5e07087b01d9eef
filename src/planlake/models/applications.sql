-- One row for each planning application: all its columns, with its type, development type and stage in words, the days
-- it took, when it was or is due, and flags to count by. It holds the latest state; deleted applications are left out.
--
-- checks:
--   unique: [application_id]
--   complete: [application_id, export_date, counter_application]
--   accepted:
--     flag_validated: [0, 1]
--     flag_decided: [0, 1]
--     flag_extended: [0, 1]
--     flag_registered: [0, 1]
--     flag_ppa: [0, 1]
--     flag_overdue_decided: [0, 1]
--     flag_overdue_live: [0, 1]
--     flag_overdue_registration: [0, 1]
--     dev_type: [Major, Minor, Other, No Reg. on Stat Returns]
--   conditions:
--     an overdue decision is a decision: "flag_overdue_decided <= flag_decided"
--     days over expiry and their flag agree: "flag_overdue_decided = (coalesce(days_over_expiry, 0) > 0)::integer"
--     report weeks begin on Mondays: "coalesce(isodow(received_report_week), 1) = 1 and
--       coalesce(isodow(registration_report_week), 1) = 1 and coalesce(isodow(decision_report_week), 1) = 1"
-- columns:
--   application_id: Number of the application, `id` in the planning system
--   application_type: Name of the application's type, from application_types
--   application_type_code: Code of the application's type, from application_types
--   expiry_days: Days allowed for a decision on this development type, from ps_development_codes
--   development_type: Name of the development type, from ps_development_codes
--   dev_type: Major, Minor, Other or No Reg. on Stat Returns, by the mapping dev_type. NULL where the application has
--     no development type or one that does not exist; that is not the same as one outside the statutory returns
--   application_stage_name: Number and name of the stage, by the mapping application_stage. NULL for a number it lacks
--   received_report_week: Monday of the week of received_date. A Sunday belongs to the week that begins the next day
--   registration_report_week: Monday of the week of registration_date. A Sunday belongs to the week that begins the
--     next day
--   decision_report_week: Monday of the week of decision_issued_date. A Sunday belongs to the week that begins the next
--     day
--   export_date: The day before the run's, in London. With --as-of the day before that one
--   days_received_to_decision: Calendar days from received_date to decision_issued_date, times of day left out. NULL
--     where a date is missing, below zero where they are the wrong way round
--   days_received_to_valid: Calendar days from received_date to valid_date. NULL and below zero as in
--     days_received_to_decision
--   days_in_system: Calendar days from received_date to export_date, of decided applications too. NULL without
--     received_date, -1 on the day of receipt as export_date is a day earlier
--   days_valid_to_registered: Working days of England and the council from valid_date to registration_date, both
--     counted. 0 where both are on closed days of one weekend, below zero where it was registered first, NULL where a
--     date is missing
--   date_application_expiry: Day the extension of time ends, else expiry_date of the planning system
--   calc_expiry_date: received_date and expiry_days. The law counts from valid_date; this column never did
--   current_expiry_date: date_application_expiry, else calc_expiry_date
--   days_over_expiry: Days from current_expiry_date to the decision, below zero where it was in time. NULL where it is
--     not decided or no expiry is known
--   flag_validated: 1 if it has a valid_date, else 0
--   flag_decided: 1 if it has a decision_issued_date, else 0
--   flag_extended: 1 if it has an extension_of_time_due_date, else 0
--   flag_registered: 1 if it has a registration_date, else 0
--   flag_ppa: 1 if it has a ppa_decision_due_date, else 0
--   flag_overdue_decided: 1 if it was decided on a day after current_expiry_date, else 0
--   flag_overdue_live: 1 if export_date is after current_expiry_date, else 0. Decided and withdrawn applications have
--     it too; count it where flag_decided = 0
--   flag_overdue_registration: 1 if days_valid_to_registered is more than 5, else 0. 0 while it is not registered
--   counter_application: 1, to add up
with worked_out as (
    select
        application.* rename (id as application_id),
        application_type.name as application_type,
        application_type.code as application_type_code,
        development.expiry_days,
        development.development_type,
        development.dev_type,
        stage.application_stage_name,

        -- dayofweek is 0 on a Sunday, which so moves on to the Monday after it; date_trunc('week') would move it back.
        received_date::date + (1 - dayofweek(received_date))::integer as received_report_week,
        registration_date::date + (1 - dayofweek(registration_date))::integer as registration_report_week,
        decision_issued_date::date + (1 - dayofweek(decision_issued_date))::integer as decision_report_week,

        run_day() - 1 as export_date,
        decision_issued_date::date - received_date::date as days_received_to_decision,
        valid_date::date - received_date::date as days_received_to_valid,
        export_date - received_date::date as days_in_system,
        working_days(valid_date, registration_date) as days_valid_to_registered,

        coalesce(extension_of_time_due_date, expiry_date)::date as date_application_expiry,
        received_date::date + development.expiry_days as calc_expiry_date,
        coalesce(date_application_expiry, calc_expiry_date) as current_expiry_date,
        decision_issued_date::date - current_expiry_date as days_over_expiry,

        (valid_date is not null)::integer as flag_validated,
        (decision_issued_date is not null)::integer as flag_decided,
        (extension_of_time_due_date is not null)::integer as flag_extended,
        (registration_date is not null)::integer as flag_registered,
        (ppa_decision_due_date is not null)::integer as flag_ppa,
        coalesce(days_over_expiry > 0, false)::integer as flag_overdue_decided,
        coalesce(export_date > current_expiry_date, false)::integer as flag_overdue_live,
        coalesce(days_valid_to_registered > 5, false)::integer as flag_overdue_registration,
        1 as counter_application
    from refined.applications as application
    left join refined.application_types as application_type on application_type.id = application.application_type_id
    left join trusted.ps_development_codes as development
        on development.ps_development_code_id = application.ps_development_code_id
    left join mapping.application_stage as stage on stage.application_stage::integer = application.application_stage
)

-- models: {settings: {applications_left_out: "notes, fax"}} in planlake.yaml leaves columns out that nobody reports on.
select columns(lambda name: name not in regexp_split_to_array(setting('applications_left_out', ''), '[\s,]+'))
from worked_out
