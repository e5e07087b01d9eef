-- How many major and non-major decisions were overturned at appeal, as the department measures it: of the decisions in
-- the 24 months up to the end of each quarter, with the appeals decided up to nine months after. Until these are over a
-- row may still grow.
--
-- kind: view
-- columns:
--   window_end: Last day of the months whose decisions are counted
--   is_finished: Whether the nine months for appeals are over too; until then the figures still grow
--   measure: majors or non-majors, as in return_speed
--   decisions: Decisions in the 24 months (the setting returns_quality_months), and applications without one of which
--     an appeal that began in them was decided, unless the setting returns_failures (added) is not added
--   overturned: Those of them that were refused or not decided and of which an appeal was allowed, each counted once.
--     Allowed is against_lpa in appeal_decision; where it is for_lpa too, as in part, the setting returns_part_allowed
--     (overturned) can be not overturned. Appeals of enforcement cases are not counted, nor those decided before the
--     refusal
--   overturned_percent: overturned as a share of decisions, not rounded. NULL where there is none
--   threshold_percent: Share above which a council may be designated, 10 (the setting returns_quality_percent)
--   is_over: Whether overturned_percent is more. NULL where nothing was decided, and where majors are so few (2, the
--     setting returns_few_majors) that they are not assessed
with appealed as (
    select
        application_id,
        min(coalesce(appeal_start_date, appeal.submit_date)::date) as appeal_day,
        min(appeal_decision_date::date) filter (
            against_lpa
            and (cases.outcome <> 'refused' or appeal_decision_date::date >= cases.ended_day)
            and case setting('returns_part_allowed', 'overturned')
                when 'overturned' then true
                when 'not overturned' then for_lpa is not true
                else error('the setting returns_part_allowed is overturned or not overturned')
            end
        ) as overturned_day
    from refined.appeals as appeal
    inner join refined.appeal_decision as decision on decision.id = appeal.appeal_decision_id
    inner join trusted.return_cases as cases using (application_id)
    where appeal.enforcement_id is null and (against_lpa or for_lpa)
    group by application_id
),

cases as (
    select
        cases.measure,
        cases.valid_day,
        case
            when outcome in ('granted', 'refused') then ended_day
            else case setting('returns_failures', 'added')
                when 'added' then appeal_day
                when 'not added' then null
                else error('the setting returns_failures is added or not added')
            end
        end as day,
        case when outcome <> 'granted' then overturned_day end as overturned_day
    from trusted.return_cases as cases
    left join appealed on appealed.application_id = cases.application_id
    where left_out is null
),

windows as (
    select
        last_day(quarter + interval 2 months) as window_end,
        (window_end + 1 - to_months(count_setting('returns_quality_months', 24)))::date as window_start,
        last_day(window_end + interval 9 months) as appeals_end,
        unnest(['major', 'non-major']) as measure
    from (
        select
            unnest(generate_series(
                date_trunc('quarter', min(valid_day)), run_day(), interval 3 months
            ))::date as quarter
        from cases
    )
),

counted as (
    select
        window_end,
        appeals_end < run_day() as is_finished,
        windows.measure || 's' as measure,
        count(day) as decisions,
        count(*) filter (overturned_day <= appeals_end) as overturned,
        number_setting('returns_quality_percent', 10) as threshold_percent
    from windows
    left join cases on cases.measure = windows.measure and day between window_start and window_end
    group by all
)

select
    window_end,
    is_finished,
    measure,
    decisions,
    overturned,
    100.0::double * overturned / nullif(decisions, 0) as overturned_percent,
    threshold_percent,
    case
        when measure = 'non-majors' or decisions > number_setting('returns_few_majors', 2)
            then overturned_percent > threshold_percent
    end as is_over
from counted
order by window_end, measure
