Feature: 1. The API is asked, and what it sends is kept as it came
  The first of the four stages. What was a job to clone, to name and to configure, a crawler to start and a catalogue to
  search is one command in a preview.

  Background:
    Given a council whose tables are loaded every night

  @ready
  Scenario: Everything that a run would do is listed before it is done
    When I type: planlake plan
    Then it ends well
    And I see the rows:
      | table | step     |
      | fees  | ingest   |
      | fees  | refine   |
      | fees  | snapshot |

  @1.1.1
  Scenario: 1.1.1 There is no job to find and to clone: the work gets a preview
    When I type: planlake env create DPP-426
    Then it ends well
    And I see "hint: planlake run --env DPP-426 TABLE"

  @1.1.2
  Scenario: 1.1.2 The preview carries the number of the ticket
    Given the preview DPP-426
    When I type: planlake env list
    Then I see the row:
      | environment | stands on |
      | DPP-426     | prod      |

  @1.2.1
  Scenario: 1.2.1 Each new table is asked for
    Given the preview DPP-426
    And enforcement_breaches is in the configuration
    When I type: planlake run --env DPP-426 --step ingest enforcement_breaches
    Then it ends well
    And I see the row:
      | table                | requests | received | new | why          |
      | enforcement_breaches | 1        | 8        | 8   | never loaded |

  @1.2.2
  Scenario: 1.2.2 Nothing has to be crawled: the table is in the catalogue when the run ends
    Given enforcement_breaches was brought into DPP-426 as far as ingest
    When I type: planlake tables --env DPP-426
    Then I see the row:
      | database                          | table                             |
      | preview-DPP-426--tascomi-raw-zone | api_response_enforcement_breaches |
    And everybody else sees nothing of enforcement_breaches

  @1.2.3
  Scenario: 1.2.3 The table is found with its columns
    Given enforcement_breaches was brought into DPP-426 as far as ingest
    When I type: planlake tables --env DPP-426 api_response_enforcement_breaches --json
    Then it ends well
    And the columns are:
      | page_number            | integer   |
      | enforcement_breaches   | text      |
      | import_api_status_code | text      |
      | import_datetime        | timestamp |
      | import_date            | text      |

  @1.2.4
  Scenario: 1.2.4 The answer of the API is there, of today, as JSON
    Given enforcement_breaches was brought into DPP-426 as far as ingest
    When I ask in DPP-426:
      """
      WITH generation AS (
          SELECT MAX(import_date) AS last_import_date
          FROM "tascomi-raw-zone"."api_response_enforcement_breaches"
      )
      SELECT g.*, a.*
      FROM "tascomi-raw-zone"."api_response_enforcement_breaches" a
      INNER JOIN generation g ON a.import_date = g.last_import_date
      ORDER BY a.import_datetime DESC
      LIMIT 10;
      """
    Then the answer has 8 rows
    And every row says:
      | last_import_date       | 20261121 |
      | import_api_status_code | 200      |
    And the column enforcement_breaches holds the records as the API sent them

  @did-that-work-1
  Scenario: Where the API fails, the command says which table it was and what to do, and the next run mends it
    Given the preview DPP-426
    And the API fails whenever it is asked for enforcement_outcomes
    When I type: planlake run --env DPP-426 enforcement_outcomes
    Then it ends with status 1
    And I see the row:
      | table                | outcome  | why                                                 |
      | enforcement_outcomes | x failed | it could not be read to its end: page 1: status 503 |
    When the API works again
    And I type: planlake run --env DPP-426 enforcement_outcomes
    Then it ends well
    And I see the row:
      | table                | outcome  |
      | enforcement_outcomes | + loaded |
