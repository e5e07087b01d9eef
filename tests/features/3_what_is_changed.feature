Feature: What is changed for a new table is one name in one file
  There is no script to change, no list of column types and no job definition. The name goes into planlake.yaml; columns,
  types, cadence and checks are known of every resource beforehand.

  Background:
    Given a council whose tables are loaded every night

  @branch
  Scenario: The work has a place of its own, named after its ticket
    When I type: planlake env create DPP-426
    Then it ends well
    And I see "DPP-426 shows the tables of prod"
    When I type: planlake env list
    Then I see the row:
      | environment | stands on |
      | DPP-426     | prod      |

  @types
  Scenario: The columns and types that are known of a table are shown before anything is changed
    When I type: planlake add enforcement_breaches --dry-run
    Then it ends well
    And I see the row:
      | table                | cadence | state          |
      | enforcement_breaches | daily   | would be added |
    And I see the rows:
      | column         | type      | known                        |
      | id             | integer   | key, unique, complete in 99% |
      | enforcement_id | integer   | id of enforcements           |
      | last_updated   | timestamp |                              |
    And planlake.yaml is as it was

  @types
  Scenario: What a table would be like is seen on a sample of it, before its name is in the file
    Given the vendor leaves enforcement_id of 2 records of enforcement_breaches empty
    And the vendor sends record 103 of enforcement_breaches as {"id": "103", "enforcement_id": "n/a", "last_updated": "2026-11-20 09:00:00"}
    When I type: planlake try enforcement_breaches --env DPP-428
    Then it ends well
    And I see the rows:
      | column         | declared  | values fit | filled | do not cast | for example | verdict            |
      | id             | integer   | integer    | 100%   |             |             | = ok               |
      | enforcement_id | integer   | text       | 82%    | 1           | n/a         | ! some do not cast |
      | submit_date    | timestamp | timestamp  | 91%    |             |             | = ok               |
    And I see the rows:
      | what        | verdict                                                                              |
      | ids         | = id: unique and usable in all 11 records                                            |
      | cadence     | > weekly: something changed on 0 of the last 7 days; not in the configuration yet... |
      | a full load | 1 request..., about ...                                                              |
    And I see the rows:
      | check of each run | column         | in the sample | message                                                        |
      | casts             | enforcement_id | ! warning     | 1 of 9 values of enforcement_id do not cast, "n/a" for example |
      | complete          | id             | = ok          |                                                                |
      | unique            | id             | = ok          |                                                                |
    And everybody else sees nothing of enforcement_breaches
    And planlake.yaml is as it was

  @types
  Scenario: Two tables stay text on purpose, because those who use them need it so
    Given asset_constraints was tried in DPP-427
    When I ask in DPP-427:
      """
      select * from asset_constraints
      """
    Then the answer has 8 rows
    And every column of the vendor's is text

  @cadence
  Scenario: A name goes into the list of the tables read daily or weekly, and nothing else changes
    When I type: planlake add enforcement_breaches breach_types
    Then it ends well
    And planlake.yaml has changed in nothing but:
      """
        daily: [fees, enforcements, enforcement_breaches]     # read by day
        weekly: [wards, breach_types]
      """

  @cadence
  Scenario: Who is not sure is advised once there is something to go by
    When I type: planlake advise fees
    Then it ends well
    And I see the row:
      | table | read  |
      | fees  | daily |
    And I see "14 are needed"

  @quality
  Scenario: Checks come with the table
    Given enforcement_outcomes was tried in DPP-426
    When I type: planlake check --env DPP-426 enforcement_outcomes
    Then it ends well
    And I see the rows:
      | table                | check    | column | verdict |
      | enforcement_outcomes | complete | id     | = ok    |
      | enforcement_outcomes | unique   | id     | = ok    |

  @quality
  Scenario: A check of one's own is a line in the same file
    Given enforcement_outcomes was tried in DPP-426
    And I write into planlake.yaml:
      """
      checks: [{table: enforcement_outcomes, name: has a case, rows: "enforcement_id is null"}]
      """
    And the vendor leaves enforcement_id of 1 records of enforcement_outcomes empty
    When I type: planlake run --env DPP-426 enforcement_outcomes --full
    And I type: planlake check --env DPP-426 enforcement_outcomes
    Then I see the row:
      | table                | check      | column | verdict   |
      | enforcement_outcomes | has a case |        | ! warning |
