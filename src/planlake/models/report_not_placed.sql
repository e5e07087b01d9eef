-- Applications to be put right, one row each with the reason: no date to count by, dates that cannot be, no type, or
-- live at no known stage. Where is_counted is true the other reports count them nevertheless, under no type or stage.
--
-- kind: view
-- columns:
--   application_id: Number of the application
--   reason: What is wrong, all of it
--   is_counted: Whether the other reports count it, without a type or stage
select
    application_id,
    officer_id,
    concat_ws(
        '; ',
        left_out,
        case when application_type is null then 'no application type' end,
        case when outcome = 'live' and application_stage_name is null then 'live without a known stage' end
    ) as reason,
    left_out is null as is_counted
from trusted.report_cases
where reason <> ''
order by application_id
