Feature: Model
  Scenario: Score
    Given the report
    When its score is read
    Then it is at least 0.9
