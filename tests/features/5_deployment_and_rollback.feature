Feature: What was tried becomes everybody's, and can be taken back at once
  Deploying is one command that copies nothing and asks the API nothing. Taking it back is another one, so nobody needs to stand
  by for a night.

  Background:
    Given a council whose tables are loaded every night
    And enforcement_breaches was tried in DPP-426

  @review
  Scenario: A reviewer sees what would change before it does
    When I type: planlake env promote DPP-426 --dry-run
    Then it ends well
    And I see the row:
      | table                | rows before | rows after | batches |
      | enforcement_breaches |             | 8          | 1       |
    And I see "No table was changed"
    And everybody else sees nothing of enforcement_breaches

  @deploy
  Scenario: Nobody deploys into a protected environment by mistake
    When I type: planlake env promote DPP-426
    Then it ends with status 2
    And I see "this environment is protected"
    And everybody else sees nothing of enforcement_breaches

  @deploy
  Scenario: The preview's table becomes everybody's without a request to the API
    Given the number of requests the API has answered is noted
    When I type: planlake env promote DPP-426 --yes
    Then it ends well
    And I see "1 table is promoted"
    And the API was not asked once more
    And everybody else still sees 8 rows in enforcement_breaches
    And everybody else still sees 8 rows in fees

  @deploy
  Scenario: The next night's run goes on with the new table where the preview ended
    Given enforcement_breaches was promoted from DPP-426
    And the vendor adds record 9 to enforcement_breaches
    And it is 2026-11-22 03:00 o'clock
    When I type: planlake run
    Then it ends well
    And I see the row:
      | table                | outcome  | rows now | why                      |
      | enforcement_breaches | + loaded | 9        | 2026-11-21, today so far |
    And everybody else still sees 9 rows in enforcement_breaches

  @rollback
  Scenario: A table that turned out wrong is set back to an earlier day, the others stay, and that is taken back too
    Given enforcement_breaches was promoted from DPP-426
    And the vendor adds record 10 to enforcement_breaches
    And the vendor adds record 10 to fees
    And it is 2026-11-23 03:00 o'clock
    When I type: planlake run
    Then everybody else still sees as many rows in enforcement_breaches as the API has
    When I type: planlake rollback enforcement_breaches --to 2026-11-22 --yes
    Then it ends well
    And everybody else still sees 1 row fewer in enforcement_breaches than the API has
    And everybody else still sees as many rows in fees as the API has
    When I type: planlake undo --yes
    Then it ends well
    And everybody else still sees as many rows in enforcement_breaches as the API has

  @rollback
  Scenario: All refined tables are made anew from what was received, without a request to the API
    Given enforcement_breaches was promoted from DPP-426
    And the number of requests the API has answered is noted
    When I type: planlake reset --yes
    Then it ends well
    And the API was not asked once more
    And everybody else still sees as many rows in enforcement_breaches as the API has
    And everybody else still sees as many rows in fees as the API has
