Feature: 2. Records are taken apart into columns
  The second stage. Taking records apart and giving columns their types is one step, so there is nothing to copy between two
  jobs, and no script of one's own to paste.

  Background:
    Given a council whose tables are loaded every night
    And enforcement_breaches and enforcement_outcomes were brought into DPP-426 as far as ingest

  @2.1.1
  Scenario: 2.1.1 There is no second job to find: the same preview takes the next step
    When I type: planlake plan --env DPP-426 --step refine enforcement_breaches enforcement_outcomes
    Then it ends well
    And I see the rows:
      | table                | step   |
      | enforcement_breaches | refine |
      | enforcement_outcomes | refine |
    And I do not see "ingest"

  @2.1.2
  Scenario: 2.1.2 The preview keeps its name and says which tables are its own
    When I type: planlake env list
    Then I see the row:
      | environment | stands on | own tables                                 |
      | DPP-426     | prod      | enforcement_breaches, enforcement_outcomes |

  @2.2.1
  Scenario: 2.2.1 No script is copied: the checks that had to be written come with the table
    When I type: planlake add enforcement_actions_taken --dry-run
    Then it ends well
    And I see the row:
      | column | type    | known                        |
      | id     | integer | key, unique, complete in 99% |

  @2.2.2
  Scenario: 2.2.2 Nothing is pasted: what is one's own is a line of planlake.yaml
    Given I write into planlake.yaml:
      """
      checks: [{table: breach_types, name: codes to come, rows: "id > 6", holds: true}]
      """
    When I type: planlake run --env DPP-426 breach_types
    Then it ends with status 1
    And I see the row:
      | table        | outcome |
      | breach_types | ! held  |
    And I see "2 rows where id > 6"

  @2.3.1
  Scenario: 2.3.1 All new tables are taken apart at once
    When I type: planlake run --env DPP-426 --step refine enforcement_breaches enforcement_outcomes
    Then it ends well
    And I see the rows:
      | table                | outcome  |
      | enforcement_breaches | + loaded |
      | enforcement_outcomes | + loaded |

  @2.3.2
  Scenario: 2.3.2 Nothing has to be crawled: the parsed tables are in the catalogue
    Given enforcement_breaches and enforcement_outcomes were brought into DPP-426 as far as refine
    When I type: planlake tables --env DPP-426
    Then I see the rows:
      | database                          | table                | kind |
      | preview-DPP-426--tascomi-raw-zone | enforcement_breaches | view |
      | preview-DPP-426--tascomi-raw-zone | enforcement_outcomes | view |

  @2.3.3
  Scenario: 2.3.3 Each parsed table is found with its columns
    When I type: planlake tables --env DPP-426 tascomi-raw-zone.enforcement_breaches --json
    Then it ends well
    And the columns are:
      | enforcement_id | text    |
      | id             | text    |
      | last_updated   | text    |

  @2.3.4
  Scenario: 2.3.4 The records of today are there, every column as text
    When I ask in DPP-426:
      """
      WITH generation AS (
          SELECT MAX(import_date) AS last_import_date
          FROM "tascomi-raw-zone"."enforcement_breaches"
      )
      SELECT g.*, a.*
      FROM "tascomi-raw-zone"."enforcement_breaches" a
      INNER JOIN generation g ON a.import_date = g.last_import_date
      ORDER BY a.import_datetime DESC
      LIMIT 10;
      """
    Then the answer has 8 rows
    And every row says:
      | last_import_date | 20261121 |
      | enforcement_id   | 1        |
    And every column of the vendor's is text

  @did-that-work-2
  Scenario: A record that cannot be taken apart is kept with the reason, and holds up no other
    Given the vendor sends record 9 of enforcement_outcomes as {"name": "of no id"}
    When I type: planlake run --env DPP-426 --full enforcement_outcomes
    Then it ends well
    When I ask in DPP-426:
      """
      select reason, api_response from rejected where resource = 'enforcement_outcomes'
      """
    Then the answer has 1 row
    And every row says:
      | api_response | {"name": "of no id"} |
    When I ask in DPP-426:
      """
      select * from enforcement_outcomes
      """
    Then the answer has 8 rows
