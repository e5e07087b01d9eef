-- One row for each application that the returns of district matters (PS1, PS2) may count: its line, how and when it
-- ended, and whether that was in time. County matters, prior approvals, non-material amendments and what the planning
-- system itself leaves out of the returns have no row; all days are days of London, times of day left out.
--
-- kind: view
-- optional: [eias]
-- columns:
--   application_id: Number of the application
--   application_reference_number: Its reference
--   line: Line of PS2, by the flags of the development type, else by its name in the mapping return_lines, which also
--     says the periods, measures and totals of each line; all of it can be edited. Large majors are Q1 to Q6, from 200
--     dwellings, or 4 hectares where their number is not known, of others 10,000 square metres or 2 hectares; all are
--     Q7 to Q12 where returns_large_lines (split) is one. NULL where no line is known
--   line_name: What the line is called
--   dev_group: major, minor or other as the planning system's flags say, else by the mapping; outside for Q26 and Q27
--   in_totals: Whether it counts in the totals, which certificates, notifications and types with
--     exclude_from_stat_return_totals do not
--   measure: major or non-major, by which the department measures speed and quality. NULL for all others, which are
--     minerals, adverts, listed buildings, technical details consents that are not major, and what is not in the totals
--   guarantee: major or non-major, by which the planning guarantee is counted. NULL where there is none
--   valid_day: Day of valid_date. Where a council enters the day of its check there, its days are too few
--   ended_day: Day of decision_issued_date, the notice; a committee's resolution ends nothing. A withdrawal has no date
--     of its own. NULL while it is live, and where the day or the kind of the decision is not known
--   outcome: granted, refused, withdrawn, called in, turned away, live, or unknown where the kind of decision is. One
--     without a notice is live. returns_split says what a split decision is (granted),
--     which is one with both flags, or with neither and called so; returns_transfer what one passed
--     to another authority is (turned away), returns_ceased what one is that ceased without a decision (live, withdrawn
--     or turned away on ceased_date, as for finally disposed of), returns_live_again which decision types leave it live
--     (their names and commas, such as Quashed). A decision that is taken again counts again if it has a record of its
--     own; on the same record only the last one is known
--   days: ended_day less valid_day, of decisions
--   band: Weeks of a decision without an agreement. NULL where it is agreed or not decided
--   agreed: J of PS2, whether there is an extension of time, a planning performance agreement or an environmental
--     impact assessment. Two settings, agreed or not agreed, are for a flag without its date
--     (returns_flag_without_date) and a date without its flag (returns_date_without_flag), both agreed. An agreement's
--     own day is not in the data, so one that was made too late cannot be told
--   agreed_day: The latest day that was agreed, or the earliest (returns_several_agreements); of an assessment 16 weeks
--   in_agreed_time: K of PS2, whether it is agreed and was decided by agreed_day. NULL where it is not decided
--   is_assessment: Whether it has an environmental impact assessment, by eias; nothing has where eias is not loaded
--   has_agreement: Whether there is an extension of time or a performance agreement, of any length and with a date or
--     without. A date without a flag is one, or not, as for agreed
--   is_closed: Whether it has a notice, or a decision of any kind that returns_live_again does not name, or has ceased
--   closed_day: Day of decision_issued_date, whatever the decision, else of ceased_date. NULL where none is known
--   statutory_days: The line's period, or 112 with an assessment. Notifications have that of their development type.
--     returns_hectare (line) can be law, which gives those that are major by their area 91 days
--   is_major_by_area: Whether it is on a minor line or a change of use, and on a hectare or more. The law's majors are
--     by area too, the lines of the return are not
--   in_statutory_time: Whether it was decided within statutory_days without an agreement. returns_agreed_early (agreed)
--     can be both, where one with an agreement counts too, or band, where it is no agreement if it was not needed
--   in_time: Whether it was decided within statutory_days, or as agreed. A day that was agreed before the end of the
--     period counts as any other, or not at all where returns_agreed_before_period (agreed) is not agreed
--   delegated: Whether an officer took it, by the level called Delegated. NULL without a level
--   is_regulation_3: Whether the council itself is the applicant
--   is_regulation_4: Whether it is for the council's land and not by the council alone
--   environmental_statement: Whether an environmental statement came with it
--   left_out: Why PS1 and PS2 do not count it at all. NULL where they do. returns_two_consents (both) can be one, which
--     leaves out all but the first line of what came under one planning_portal_reference and became valid on one day
--   doubts: What has to be looked at, though it counts. NULL where there is nothing
with choices as (  -- the doubts, each as the settings say or else as the columns above do
    select
        setting('returns_split', 'granted') as split,
        setting('returns_transfer', 'turned away') as transfer,
        setting('returns_ceased', 'live') as ceased,
        setting('returns_live_again', '') as live_again,
        setting('returns_large_lines', 'split') as large_lines,
        setting('returns_flag_without_date', 'agreed') as flag_without_date,
        setting('returns_date_without_flag', 'agreed') as date_without_flag,
        setting('returns_agreed_before_period', 'agreed') as agreed_before_period,
        setting('returns_several_agreements', 'latest') as several_agreements,
        setting('returns_agreed_early', 'agreed') as agreed_early,
        setting('returns_hectare', 'line') as hectare,
        setting('returns_two_consents', 'both') as two_consents
    where
        case
            when split not in ('granted', 'refused') then error('the setting returns_split is granted or refused')
            when transfer not in ('withdrawn', 'called in', 'turned away')
                then error('the setting returns_transfer is withdrawn, called in or turned away')
            when ceased not in ('live', 'withdrawn', 'turned away')
                then error('the setting returns_ceased is live, withdrawn or turned away')
            when large_lines not in ('split', 'one') then error('the setting returns_large_lines is split or one')
            when flag_without_date not in ('agreed', 'not agreed')
                then error('the setting returns_flag_without_date is agreed or not agreed')
            when date_without_flag not in ('agreed', 'not agreed')
                then error('the setting returns_date_without_flag is agreed or not agreed')
            when agreed_before_period not in ('agreed', 'not agreed')
                then error('the setting returns_agreed_before_period is agreed or not agreed')
            when several_agreements not in ('latest', 'earliest')
                then error('the setting returns_several_agreements is latest or earliest')
            when agreed_early not in ('agreed', 'both', 'band')
                then error('the setting returns_agreed_early is agreed, both or band')
            when hectare not in ('line', 'law') then error('the setting returns_hectare is line or law')
            when two_consents not in ('both', 'one') then error('the setting returns_two_consents is both or one')
            else true
        end
),

lines as (  -- the mapping, of which a slip of the pen would count nothing and say nothing
    select
        trim(development_type) as development_type,
        trim(line) as line,
        nullif(trim(large_line), '') as large_line,
        trim(line_name) as line_name,
        case
            when dev_group in ('major', 'minor', 'other', 'outside') then dev_group
            else error('the column dev_group of the mapping return_lines is major, minor, other or outside')
        end as dev_group,
        case
            when try_cast(statutory_days as integer) > 0 then statutory_days::integer
            else error('the column statutory_days of the mapping return_lines is a number of days')
        end as statutory_days,
        case
            when coalesce(trim(measure), '') in ('major', 'non-major', '') then nullif(trim(measure), '')
            else error('the column measure of the mapping return_lines is major, non-major or empty')
        end as measure,
        case
            when coalesce(trim(guarantee), '') in ('major', 'non-major', '') then nullif(trim(guarantee), '')
            else error('the column guarantee of the mapping return_lines is major, non-major or empty')
        end as guarantee,
        coalesce(
            try_cast(in_totals as boolean),
            error('the column in_totals of the mapping return_lines is true or false')
        ) as in_totals
    from mapping.return_lines
),

kinds as (
    select
        code.id,
        code.expiry_days,
        case count(*) over (partition by code.id)
            when 1 then line.line
            else error('the mapping return_lines has a development type twice')
        end as line,
        line.large_line,
        line.line_name,
        line.measure,
        line.statutory_days,
        line.guarantee,
        case
            when line.dev_group = 'outside' then 'outside'
            when code.major then 'major'
            when code.minor then 'minor'
            when code.other then 'other'
            else line.dev_group
        end as dev_group,
        line.in_totals and code.exclude_from_stat_return_totals is not true as in_totals,
        coalesce(code.exclude_from_stat_returns or code.nma or code.pa_for_pd or code.pa_for_pd_other, false) as is_out
    from refined.ps_development_codes as code
    left join lines as line
        on case
            when
                code.certificates_of_lawful_development
                or code.certificates_of_lawfulness_proposed_works
                or code.certificates_of_appropriate_alternative_development
                then line.line = 'Q26'
            when code.notification then line.line = 'Q27'
            else line.development_type = trim(code.name)
        end
),

decisions as (
    select
        id,
        case
            when list_contains(regexp_split_to_array(trim(live_again), '\s*,\s*'), trim(name)) then 'live'
            when withdrawal then 'withdrawn'
            when called_in then 'called in'
            when turned_away then 'turned away'
            when decision.transfer then choices.transfer
            when approval_decision and refusal_decision then split
            when approval_decision then 'granted'
            when refusal_decision then 'refused'
            when name ilike '%split%' then split
        end as means,
        name ilike '%split%' and means in ('granted', 'refused') and means <> split as is_split_by_name
    from refined.decision_types as decision
    cross join choices
),

found as (
    select
        application.id as application_id,
        application.application_reference_number,
        application.officer_id,
        application.ps_development_code_id,
        application.decision_type_id,
        means,
        is_split_by_name,
        coalesce(application.ceased, false) as is_ceased,
        application.ceased_date::date as ceased_day,
        application.planning_portal_reference,
        application.site_area_hectares,
        coalesce(nullif(application.approved_units, 0), application.net_increase_in_dwellings) as dwellings,
        application.total_non_residential_total_gross_floorspace_proposed as floorspace,
        coalesce(application.extension_of_time_agreed, false) as is_extended,
        application.extension_of_time_due_date::date as extension_day,
        coalesce(application.planning_performance_agreement_signed, false) as is_performance_agreed,
        application.ppa_decision_due_date::date as performance_day,
        application.valid_date::date as valid_day,
        application.decision_issued_date::date as issued_day,
        kind.* exclude (id, in_totals, is_out),
        coalesce(kind.in_totals, false) as in_totals,
        case
            when means not in ('granted', 'refused') or issued_day is not null then coalesce(means, 'unknown')
            when application.ceased then choices.ceased
            else 'live'
        end as outcome,
        case
            when outcome in ('live', 'unknown') then null
            when issued_day is null and (means is null or means in ('granted', 'refused')) then ceased_day
            else issued_day
        end as ended_day,
        issued_day is not null or is_ceased
        or (decision_type_id is not null and means is distinct from 'live') as is_closed,
        coalesce(issued_day, case when is_ceased then ceased_day end) as closed_day,
        coalesce(eia.eia_application, false) as is_assessment,
        lower(trim(level.name)) = 'delegated' as delegated,
        coalesce(application.own_council_application, false) as is_regulation_3,
        coalesce(application.regulation_4_application, false) as is_regulation_4,
        coalesce(application.environmental_statement_es_attached, false) as environmental_statement
    from refined.applications as application
    cross join choices
    left join refined.application_types as type on type.id = application.application_type_id
    left join kinds as kind on kind.id = application.ps_development_code_id
    left join decisions on decisions.id = application.decision_type_id
    left join refined.decision_levels as level on level.id = application.decision_level_id
    left join refined.eias as eia on eia.id = application.eia_id
    where
        application.county_matters is not true
        and type.exclude_from_stat_returns is not true
        and kind.is_out is not true
),

scaled as (  -- the form of 2008 has large and small scale majors, the planning system does not
    select
        *,
        large_line is not null and large_lines = 'split' as has_scale,
        has_scale and case large_line
            when 'Q1' then coalesce(dwellings >= 200, site_area_hectares >= 4, false)
            else coalesce(floorspace >= 10000 or site_area_hectares >= 2, false)
        end as is_large
    from found
    cross join choices
),

timed as (
    select
        * exclude (line, line_name, statutory_days, measure, guarantee),
        case when is_large then large_line else line end as line,
        line_name || case when is_large then ', large' when has_scale then ', small' else '' end as line_name,
        case when in_totals then measure end as measure,
        coalesce(measure = 'non-major' and line <> 'Q21' and site_area_hectares >= 1, false) as is_major_by_area,
        case
            when is_assessment then 112
            when line = 'Q27' then coalesce(expiry_days, statutory_days)
            when is_major_by_area and hectare = 'law' then 91
            else statutory_days
        end as statutory_days,
        case when is_major_by_area then 'major' else guarantee end as guarantee,
        outcome in ('granted', 'refused') as is_decided,
        case when is_decided then ended_day - valid_day end as days
    from scaled
),

agreements as (
    select
        *,
        case
            when extension_day is null then is_extended and flag_without_date = 'agreed'
            when extension_day <= valid_day + statutory_days and agreed_before_period = 'not agreed' then false
            else is_extended or date_without_flag = 'agreed'
        end as has_extension,
        case
            when performance_day is null then is_performance_agreed and flag_without_date = 'agreed'
            when performance_day <= valid_day + statutory_days and agreed_before_period = 'not agreed' then false
            else is_performance_agreed or date_without_flag = 'agreed'
        end as has_performance_agreement,
        case when has_extension then extension_day end as extended_to,
        case when has_performance_agreement then performance_day end as performed_by,
        greatest(
            case several_agreements
                when 'latest' then greatest(extended_to, performed_by)
                else least(extended_to, performed_by)
            end,
            case when is_assessment then valid_day + 112 end
        ) as agreed_day,
        is_extended
        or is_performance_agreed
        or (date_without_flag = 'agreed' and coalesce(extension_day, performance_day) is not null) as has_agreement,
        is_assessment or (
            (has_extension or has_performance_agreement)
            and not coalesce(agreed_early = 'band' and days <= statutory_days, false)
        ) as agreed,
        nullif(concat_ws(
            '; ',
            case
                when coalesce(valid_day, ended_day) is null then null
                when ps_development_code_id is null then 'no development type'
                when line is null then 'its development type has no line'
            end,
            case when valid_day is null and ended_day is not null then 'ended without valid_date' end,
            case when ended_day < valid_day then 'ended before it was valid' end,
            case when valid_day < date '1948-07-01' then 'valid before there was planning permission' end,
            case when greatest(valid_day, ended_day) > run_day() then 'a date after today' end
        ), '') as wrong
    from timed
)

select
    application_id,
    application_reference_number,
    officer_id,
    line,
    line_name,
    dev_group,
    in_totals,
    measure,
    guarantee,
    valid_day,
    ended_day,
    outcome,
    days,
    case
        when agreed then null
        when days <= 56 then '<= 8'
        when days <= 91 then '8-13'
        when days <= 112 then '13-16'
        when days <= 182 then '16-26'
        when days <= 364 then '26-52'
        when days > 364 then '> 52'
    end as band,
    agreed,
    agreed_day,
    case when is_decided then agreed and coalesce(ended_day <= agreed_day, false) end as in_agreed_time,
    is_assessment,
    has_agreement,
    is_closed,
    closed_day,
    statutory_days,
    is_major_by_area,
    case when is_decided then days <= statutory_days and (not agreed or agreed_early = 'both') end as in_statutory_time,
    in_agreed_time or in_statutory_time as in_time,
    delegated,
    is_regulation_3,
    is_regulation_4,
    environmental_statement,
    case
        when wrong is not null then wrong
        when two_consents = 'one' and trim(planning_portal_reference) <> '' and row_number() over (
            partition by trim(planning_portal_reference), valid_day, wrong is null
            order by in_totals desc, length(line), line, application_id
        ) > 1 then 'counted with another of the same form'
    end as left_out,
    nullif(concat_ws(
        '; ',
        case when outcome = 'unknown' then 'a kind of decision that neither grants nor refuses' end,
        case
            when ended_day is not null or outcome = 'unknown' then null
            when decision_type_id is not null and means is null
                then 'a kind of decision that neither grants nor refuses, without a date'
            else coalesce(nullif(means, 'live'), nullif(outcome, 'live')) || ' without a date'
        end,
        case when is_split_by_name then 'called a split decision, ' || outcome || ' by its flags' end,
        case when is_ceased and outcome = 'live' then 'ceased without a decision, which counts as live' end,
        case when is_decided and delegated is null then 'decided at no known level' end,
        case when is_extended and extension_day is null then 'an extension of time without its date' end,
        case
            when not is_extended and extension_day is not null
                then 'the date of an extension of time without its flag'
        end,
        case when is_performance_agreed and performance_day is null then 'a performance agreement without its date' end,
        case
            when not is_performance_agreed and performance_day is not null
                then 'the date of a performance agreement without its flag'
        end,
        case
            when least(extended_to, performed_by) <= valid_day + statutory_days
                then 'agreed for a day within the statutory period'
        end,
        case when environmental_statement and not is_assessment then 'an environmental statement, no assessment' end,
        case
            when is_major_by_area
                then concat('major by law with ', site_area_hectares, ' ha, on the line ', line)
        end
    ), '') as doubts
from agreements
