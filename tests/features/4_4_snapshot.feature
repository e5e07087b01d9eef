Feature: 4. The latest version of each record is what people use
  The fourth stage. A day's snapshot is a tag on the table and no copy of it. In the playbook the numbers of section 4.2 come twice:
  once where the job is edited, once more in section 4.3, where it is tested.

  Background:
    Given a council whose tables are loaded every night
    And enforcement_breaches and enforcement_outcomes were brought into DPP-426 as far as refine

  @4.1.1
  Scenario: 4.1.1 There is no fourth job to find: the same preview takes the last step
    When I type: planlake plan --env DPP-426 enforcement_breaches enforcement_outcomes
    Then it ends well
    And I see the rows:
      | table                | step     |
      | enforcement_breaches | snapshot |
      | enforcement_outcomes | snapshot |

  @4.1.2
  Scenario: 4.1.2 The preview keeps its name
    When I type: planlake env list
    Then I see the row:
      | environment | stands on | own tables                                 |
      | DPP-426     | prod      | enforcement_breaches, enforcement_outcomes |

  @4.2.1
  Scenario: 4.2.1 No script is copied: that ids are unique is checked of every table
    Given enforcement_breaches and enforcement_outcomes were tried in DPP-426
    When I type: planlake check --env DPP-426 enforcement_breaches enforcement_outcomes
    Then it ends well
    And I see the rows:
      | table                | check  | column | verdict |
      | enforcement_breaches | unique | id     | = ok    |
      | enforcement_outcomes | unique | id     | = ok    |

  @4.2.2
  Scenario: 4.2.2 Nothing is pasted: a condition of one's own holds a bad version back before anybody sees it
    Given breach_types was tried in DPP-426
    And I write into planlake.yaml:
      """
      checks: [{table: breach_types, name: few of them, rows: "id > 100", holds: true}]
      """
    And the vendor adds record 101 to breach_types
    When I type: planlake run --env DPP-426 --full breach_types
    Then it ends with status 1
    And I see the row:
      | table        | outcome |
      | breach_types | ! held  |
    And I see "1 rows where id > 100"
    When I ask in DPP-426:
      """
      select * from breach_types
      """
    Then the answer has 8 rows

  @4.3/4.2.1
  Scenario: 4.2.1 in section 4.3: all new tables are published at once
    Given enforcement_breaches and enforcement_outcomes were brought into DPP-427 as far as refine
    When I type: planlake run --env DPP-427 --step snapshot enforcement_breaches enforcement_outcomes
    Then it ends well
    And I see the rows:
      | table                | rows now |
      | enforcement_breaches | 8        |
      | enforcement_outcomes | 8        |

  @4.3/4.2.2
  Scenario: 4.2.2 in section 4.3: nothing has to be crawled, the published tables are in the catalogue
    Given enforcement_breaches and enforcement_outcomes were tried in DPP-426
    When I type: planlake tables --env DPP-426
    Then I see the rows:
      | database                              | table                | kind | published |
      | preview-DPP-426--tascomi-refined-zone | enforcement_breaches | view | 2026-11-21  |
      | preview-DPP-426--tascomi-refined-zone | enforcement_outcomes | view | 2026-11-21  |

  @4.3/4.2.3
  Scenario: 4.2.3 in section 4.3: each table is found with its columns, and those of the snapshot at the end
    Given enforcement_breaches and enforcement_outcomes were tried in DPP-426
    When I type: planlake tables --env DPP-426 enforcement_breaches --json
    Then enforcement_breaches has its columns with the types of the vendor's documentation
    And the last columns are:
      | snapshot_year  | text    |
      | snapshot_month | text    |
      | snapshot_day   | text    |
      | snapshot_date  | text    |

  @4.3/4.2.4
  Scenario: 4.2.4 in section 4.3: today's snapshot is there, one row for each record, the latest
    Given enforcement_breaches and enforcement_outcomes were tried in DPP-426
    And the vendor writes "7" into enforcement_id of 1 records of enforcement_breaches
    When I type: planlake run --env DPP-426 --full enforcement_breaches
    And the vendor writes "8" into enforcement_id of 1 records of enforcement_breaches
    And I type: planlake run --env DPP-426 --full enforcement_breaches
    And I ask in DPP-426:
      """
      WITH generation AS (
          SELECT MAX(snapshot_date) AS last_snapshot_date
          FROM "tascomi-refined-zone"."enforcement_breaches"
      )
      SELECT g.*, a.*
      FROM "tascomi-refined-zone"."enforcement_breaches" a
      INNER JOIN generation g ON a.snapshot_date = g.last_snapshot_date
      ORDER BY a.import_datetime DESC
      LIMIT 10;
      """
    Then the answer has 9 rows
    And every row says:
      | last_snapshot_date | 20261121 |
      | snapshot_date      | 20261121 |
      | import_date        | 20261121 |
    When I ask in DPP-426:
      """
      select id, enforcement_id from enforcement_breaches where id > 100
      """
    Then every row says:
      | id             | 101 |
      | enforcement_id | 8   |

  @did-that-work-4
  Scenario: Everything at once, for those who skipped the stages between
    Given enforcement_breaches and enforcement_outcomes were tried in DPP-426
    When I type: planlake env diff DPP-426
    Then it ends well
    And I see the rows:
      | table                | rows before | removed | changed |
      | enforcement_breaches |             | 0       | 0       |
      | enforcement_outcomes |             | 0       | 0       |
    And I see the row:
      | table                | rows before | rows here | added | removed | changed |
      | enforcement_outcomes |             | 8         | 8     | 0       | 0       |
