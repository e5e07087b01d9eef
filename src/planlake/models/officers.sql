-- One row for each user and each team the user is in, and one for a user who is in none. Users who have left and users
-- who are no case officers are in it, as older applications point to them; deleted ones are left out.
--
-- checks:
--   unique: [[officer_id, user_team_id]]
--   complete: [officer_id, counter_officer]
-- columns:
--   officer_id: Number of the user, `id` in users
--   officer_forename: First name of the user
--   officer_surname: Surname of the user
--   officer_name: First name and surname without blanks around them, one blank between. Where one is missing, the other
--     alone. NULL where both are
--   user_team_id: Number of the team. NULL for a user who is in no team
--   team_name: Name of the team. NULL where the number points to no team
--   team_description: Description of the team
--   location: Where the team works, from user_teams
--   counter_officer: 1, to add up. Someone in two teams counts twice, so count officer_id for people
with membership as (  -- the map may say a pair twice, and may lack either side
    select distinct user_id, user_team_id
    from refined.user_team_map
    where user_team_id is not null
)

select
    officer.id as officer_id,
    officer.forename as officer_forename,
    officer.surname as officer_surname,
    nullif(concat_ws(' ', nullif(trim(officer.forename), ''), nullif(trim(officer.surname), '')), '') as officer_name,
    officer.username,
    officer.email,
    officer.mobile,
    officer.phone,
    officer.job_title,
    membership.user_team_id,
    team.name as team_name,
    team.description as team_description,
    team.location,
    1 as counter_officer,
    officer.* similar to '(import|snapshot)_.*'
from refined.users as officer
left join membership on membership.user_id = officer.id
left join refined.user_teams as team on team.id = membership.user_team_id
