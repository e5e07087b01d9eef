-- Applications of each case officer, with the officer's team: live, decided in the last days, decided ever; those with
-- no officer have a row of their own. An officer in two teams has a row for each with the same figures, so add up those
-- of one team, or those where counts_once is 1. How many days are the last is the setting reports_decided_days (28).
--
-- kind: view
-- columns:
--   officer_id: Number of the case officer. NULL for applications without one
--   officer_name: Name of the officer. NULL where the number is of no user
--   live: Applications live with the officer
--   decided_lately: Applications decided in the last days, the day of the run or question being the last
--   decided: All applications decided
--   counts_once: 1 in one row of each officer, else 0
with cases as (
    select
        officer_id,
        count(*) filter (outcome = 'live') as live,
        count(*) filter (
            outcome = 'decided' and ended > run_day() - number_setting('reports_decided_days', 28)::integer
        ) as decided_lately,
        count(*) filter (outcome = 'decided') as decided
    from trusted.report_cases
    where left_out is null
    group by officer_id
)

select
    cases.officer_id,
    officer_name,
    user_team_id,
    team_name,
    live,
    decided_lately,
    decided,
    (row_number() over (partition by cases.officer_id order by user_team_id) = 1)::integer as counts_once
from cases
left join trusted.officers as officer on officer.officer_id = cases.officer_id
order by live desc, cases.officer_id, user_team_id
