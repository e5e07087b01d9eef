-- Applications received and applications decided in each report week, by application type, with the days of
-- report_cases. Those that ceased without a decision are not decided; those without a type count under no type.
--
-- kind: view
-- columns:
--   report_week: Monday of the week. A Sunday belongs to the week that begins the next day
--   received: Applications that began in the week
--   decided: Applications that were decided in the week, whenever they were received
select
    report_week,
    application_type_code,
    application_type,
    count(*) filter (what = 'received') as received,
    count(*) filter (what = 'decided') as decided
from (
    select began_week as report_week, application_type_code, application_type, 'received' as what
    from trusted.report_cases
    where left_out is null
    union all
    select ended_week, application_type_code, application_type, outcome
    from trusted.report_cases
    where left_out is null and outcome = 'decided'
)
group by all
order by all
