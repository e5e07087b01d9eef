-- Applications that the returns leave out, one row each with all reasons: why one is in no figure, or not in the totals.
--
-- kind: view
-- columns:
--   application_id: Number of the application
--   application_reference_number: Its reference
--   left_out_of: all where no return counts it; totals where PS2 counts it on its line, and neither its total nor PS1 do
--   reason: Why, all of it
select
    application.id as application_id,
    application.application_reference_number,
    application.officer_id,
    case when of_all <> '' then 'all' else 'totals' end as left_out_of,
    case when of_all <> '' then of_all else 'its line or development type is in no total' end as reason
from (
    select
        application.*,
        cases.in_totals,
        concat_ws(
            '; ',
            case when application.county_matters then 'a county matter' end,
            case when type.exclude_from_stat_returns then 'its application type is left out of returns' end,
            case when code.exclude_from_stat_returns then 'its development type is left out of returns' end,
            case when code.nma and approval.application_id is null then 'a non-material amendment' end,
            coalesce(cases.left_out, approval.left_out),
            case
                when application.valid_date is null and coalesce(cases.ended_day, approval.ended_day) is null
                    then 'not valid yet'
            end
        ) as of_all
    from refined.applications as application
    left join refined.application_types as type on type.id = application.application_type_id
    left join refined.ps_development_codes as code on code.id = application.ps_development_code_id
    left join trusted.return_cases as cases on cases.application_id = application.id
    left join trusted.return_prior_approvals as approval on approval.application_id = application.id
) as application
where of_all <> '' or not in_totals
order by application_id
