Feature: The vendor changes something, and no new table is wanted
  Two things look like a missing table and are none: lists of codes that get another attribute or another code, and an API
  whose documentation says something else than before.

  Background:
    Given a council whose tables are loaded every night

  @static-attributes
  Scenario: A new attribute of a list of codes comes in by itself within the week
    Given the vendor sends the attribute "district" with every record of wards
    And the vendor adds record 9 to wards
    And it is 2026-11-22 03:00 o'clock
    When I type: planlake run
    Then it ends well
    And I see "district"
    And I see the row:
      | table | outcome  |
      | wards | + loaded |
    When I type: planlake tables wards --json
    Then the columns are:
      | id       | integer |
      | district | text    |
    When I ask:
      """
      select count(*) as n, count(district) as with_district from wards
      """
    Then every row says:
      | n             | 9 |
      | with_district | 8 |

  @static-attributes
  Scenario: It is wanted sooner, so the list is read at once
    Given the vendor sends the attribute "councillor" with every record of wards
    And it is 2026-11-23 11:00 o'clock
    When I type: planlake run wards --full
    Then it ends well
    When I ask:
      """
      select distinct councillor from wards
      """
    Then every row says:
      | councillor | of the vendor's |

  @changed-api
  Scenario: What the vendor changed in the documentation is found
    Given the vendor's page says:
      | what    | resource     | column      | type                        |
      | new     | tree_orders  | id          | integer                     |
      | new     | tree_orders  | made_on     | timestamp without time zone |
      | gone    | enforcements | submit_date |                             |
      | retyped | fees         | fee         | text                        |
    When I have the vendor's page compared
    Then it ends with status 1
    And I see the rows:
      | resource     | column      | what         |
      | tree_orders  |             | new resource |
      | enforcements | submit_date | gone column  |
      | fees         | fee         | retyped      |
    And planlake.yaml is as it was

  @changed-api
  Scenario: What the vendor changed is taken over without a line of code, and the table is built anew without asking the API
    Given the vendor's page says:
      | what    | resource | column | type |
      | retyped | fees     | fee    | text |
    When I have it compared and the differences taken over
    And the number of requests the API has answered is noted
    And I type: planlake recast
    Then it ends well
    And the API was not asked once more
    When I type: planlake tables fees --json
    Then the columns are:
      | fee | text    |
    And everybody else still sees 8 rows in fees
