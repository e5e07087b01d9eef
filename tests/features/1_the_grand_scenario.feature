Feature: A table that Planning misses becomes a table that Planning uses
  A data user misses a table. Somebody adds it, tries it beside the tables that others use, and hands it over. The user
  then finds it, with the columns and types that the vendor's documentation promises.

  Background:
    Given a council whose tables are loaded every night

  @access
  Scenario: Whoever may work here finds everything ready
    When I type: planlake doctor
    Then it ends well
    And I see the rows:
      | check         | verdict |
      | configuration | + ok    |
      | keys          | + ok    |
      | API           | + ok    |
      | signature     | + ok    |

  @user-story
  Scenario: The table that is missed is not there, and the answer says what to do
    When I type: planlake sql "select count(*) from enforcement_breaches"
    Then it ends with status 2
    And I see "enforcement_breaches"
    And I see "planlake run enforcement_breaches"

  @agency
  Scenario: The engineer looks up what there is and what is loaded already
    When I type: planlake tables --known
    Then it ends well
    And I see the rows:
      | resource             | cadence | configured |
      | enforcement_breaches | daily   |            |
      | fees                 | daily   | daily      |
      | wards                | weekly  | weekly     |

  @acceptance
  Scenario: The user finds the table, its columns and their types
    Given enforcement_breaches was promoted from DPP-426
    When I type: planlake tables
    Then I see the row:
      | database             | table                | kind | published |
      | tascomi-refined-zone | enforcement_breaches | view | 2026-11-21  |
    When I type: planlake tables enforcement_breaches --json
    Then enforcement_breaches has its columns with the types of the vendor's documentation
    When I ask:
      """
      select count(*) as breaches, count(distinct enforcement_id) as cases from enforcement_breaches
      """
    Then every row says:
      | breaches | 8 |
      | cases    | 1 |

  @delivery
  Scenario: The table is tried where nobody else is disturbed
    Given enforcement_outcomes was tried in DPP-427
    When I type: planlake env diff DPP-427
    Then it ends well
    And I see the row:
      | table                | rows before | rows here | added | removed | changed |
      | enforcement_outcomes |             | 8         | 8     | 0       | 0       |
    And everybody else sees nothing of enforcement_outcomes
    And everybody else still sees 8 rows in fees
