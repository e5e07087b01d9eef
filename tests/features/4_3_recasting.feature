Feature: 3. Columns get the types of the documentation
  The third stage, which is the same step as the second. Every version that was ever received is in the increment tables; what
  does not fit its type is kept beside them.

  Background:
    Given a council whose tables are loaded every night
    And enforcement_breaches and enforcement_outcomes were brought into DPP-426 as far as ingest

  @3.1.1
  Scenario: 3.1.1 There is no third job to find: types belong to the step that takes records apart
    When I type: planlake plan --env DPP-426 enforcement_breaches
    Then it ends well
    And I see the row:
      | table                | step   |
      | enforcement_breaches | refine |
    And I do not see "recast"

  @3.1.2
  Scenario: 3.1.2 The preview keeps its name
    When I type: planlake env list
    Then I see the row:
      | environment | stands on | own tables                                 |
      | DPP-426     | prod      | enforcement_breaches, enforcement_outcomes |

  @3.2.1
  Scenario: 3.2.1 All new tables get their types at once
    When I type: planlake run --env DPP-426 --step refine enforcement_breaches enforcement_outcomes
    Then it ends well
    And I see the rows:
      | table                | outcome  |
      | enforcement_breaches | + loaded |
      | enforcement_outcomes | + loaded |

  @3.2.2
  Scenario: 3.2.2 Nothing has to be crawled: the increment tables are in the catalogue
    Given enforcement_breaches and enforcement_outcomes were brought into DPP-426 as far as refine
    When I type: planlake tables --env DPP-426
    Then I see the rows:
      | database                              | table                          | kind  | rows |
      | preview-DPP-426--tascomi-refined-zone | increment_enforcement_breaches | table | 8    |
      | preview-DPP-426--tascomi-refined-zone | increment_enforcement_outcomes | table | 8    |

  @3.2.3
  Scenario: 3.2.3 Each increment table is found with its columns and types
    Given enforcement_breaches and enforcement_outcomes were brought into DPP-426 as far as refine
    When I type: planlake tables --env DPP-426 increment_enforcement_breaches --json
    Then enforcement_breaches has its columns with the types of the vendor's documentation

  @3.2.4
  Scenario: 3.2.4 The versions received today are there, typed
    Given enforcement_breaches and enforcement_outcomes were brought into DPP-426 as far as refine
    When I ask in DPP-426:
      """
      WITH generation AS (
          SELECT MAX(import_date) AS last_import_date
          FROM "tascomi-refined-zone"."increment_enforcement_breaches"
      )
      SELECT g.*, a.*, typeof(a.id) AS type_of_id, typeof(a.submit_date) AS type_of_date
      FROM "tascomi-refined-zone"."increment_enforcement_breaches" a
      INNER JOIN generation g ON a.import_date = g.last_import_date
      ORDER BY a.import_datetime DESC
      LIMIT 10;
      """
    Then the answer has 8 rows
    And every row says:
      | last_import_date | 20261121  |
      | enforcement_id   | 1         |
      | type_of_id       | INTEGER   |
      | type_of_date     | TIMESTAMP |

  @did-that-work-3
  Scenario: A value that does not fit its type is NULL, and what was there is kept
    Given enforcement_breaches and enforcement_outcomes were brought into DPP-426 as far as refine
    And the vendor writes "n/a" into enforcement_id of 1 records of enforcement_breaches
    When I type: planlake run --env DPP-426 --full enforcement_breaches
    Then it ends well
    When I ask in DPP-426:
      """
      select enforcement_id from enforcement_breaches where id = 101
      """
    Then every row says:
      | enforcement_id | None |
    When I ask in DPP-426:
      """
      select id, "column", raw_value from uncastable
      """
    Then every row says:
      | id        | 101            |
      | column    | enforcement_id |
      | raw_value | n/a            |

  @did-that-work-3
  Scenario: Where many values do not fit, the table is held back and the last good version stays
    Given enforcement_outcomes was tried in DPP-426
    And the vendor writes "n/a" into enforcement_id of 30 records of enforcement_outcomes
    When I type: planlake run --env DPP-426 --full enforcement_outcomes
    Then it ends with status 1
    And I see the row:
      | table                | outcome |
      | enforcement_outcomes | ! held  |
    When I ask in DPP-426:
      """
      select * from enforcement_outcomes
      """
    Then the answer has 8 rows
