// Errors, limits and summaries of published figures.
#include "report/validation.h"

#include <gtest/gtest.h>

#include <regex>
#include <variant>

#include "report/report.h"

namespace planewise::report {
namespace {

FigureLine line(std::string_view published, double ours) {
  FigureLine line{.ours = ours};
  line.figure.published = std::get<PrintedValue>(parse_printed(published));
  return line;
}

TEST(RelativeError, IsOfOursAgainstThePublished) {
  EXPECT_NEAR(relative_error(line("20 s", 21)), 0.05, 1e-12);  // A ratio less 1 loses digits.
  EXPECT_DOUBLE_EQ(relative_error(line("20 s", 15)), -0.25);
  EXPECT_DOUBLE_EQ(relative_error(line("40 %", 0.5)), 0.25);
}

TEST(Holds, NothingWithoutALimit) { EXPECT_EQ(holds(line("20 s", 21)), std::nullopt); }

TEST(Holds, WithinALimitOnEitherSide) {
  const auto within = [](double ours) {
    FigureLine one = line("20 s", ours);
    one.figure.limit = 0.1;
    return holds(one);
  };
  EXPECT_EQ(within(21.9), true);
  EXPECT_EQ(within(18.1), true);
  EXPECT_EQ(within(22.1), false);
  EXPECT_EQ(within(17.9), false);
}

std::optional<bool> gives(std::string_view published, double ours, spec::PrintedDigits digits) {
  FigureLine one = line(published, ours);
  one.figure.digits = digits;
  return holds(one);
}

TEST(Holds, RoundedToThePrintedDigit) {
  using enum spec::PrintedDigits;
  EXPECT_EQ(gives("14.76 ms", 14.757e-3, rounded), true);
  EXPECT_EQ(gives("14.76 ms", 14.7551e-3, rounded), true);
  EXPECT_EQ(gives("14.76 ms", 14.7549e-3, rounded), false);
  EXPECT_EQ(gives("14.76 ms", 14.7651e-3, rounded), false);
  EXPECT_EQ(gives("70272 B", 70272, rounded), true);
  EXPECT_EQ(gives("70272 B", 70273, rounded), false);
  // A digit before an exponent counts as much as the exponent says.
  EXPECT_EQ(gives("1.2e3", 1220, rounded), true);
  EXPECT_EQ(gives("1.2e3", 1251, rounded), false);
  EXPECT_EQ(gives("43.73 %", 0.43734, rounded), true);
  EXPECT_EQ(gives("43.73 %", 0.43736, rounded), false);
}

TEST(Holds, TruncatedToThePrintedDigit) {
  using enum spec::PrintedDigits;
  EXPECT_EQ(gives("67", 67.8, truncated), true);
  EXPECT_EQ(gives("67", 67, truncated), true);
  EXPECT_EQ(gives("67", 66.9, truncated), false);
  EXPECT_EQ(gives("67", 68.1, truncated), false);
  EXPECT_EQ(gives("67", 67.8, rounded), false);
}

/// A predicted step.
FigureLine step(std::string_view published, double ours, double estimated_share) {
  FigureLine one = line(published, ours);
  static int count = 0;  // Each is a step of its own.
  one.figure.ours = spec::ours::Step{.workload_path = std::to_string(++count)};
  one.figure.role = spec::FigureRole::predicted;
  one.estimated_share = estimated_share;
  return one;
}

TEST(TrivialError, IsThatOfTheFewestRanks) {
  // 400 TFLOPS on 64 ranks as a prediction of 320 on 1,024: a quarter too much.
  std::vector<FigureLine> lines = {step("320 TFLOPS", 0, 0), step("400 TFLOPS", 0, 0),
                                   step("380 TFLOPS", 0, 0), step("400 TFLOPS", 0, 0)};
  const std::vector<std::int64_t> ranks = {1024, 64, 256, 8};
  for (std::size_t i = 0; i < lines.size(); ++i) {
    lines[i].ranks = ranks[i];
    lines[i].figure.series = i == 3 ? "" : "a";
  }
  EXPECT_DOUBLE_EQ(trivial_error(lines[0], lines).value_or(0), 0.25);
  EXPECT_EQ(trivial_error(lines[1], lines), std::nullopt);
  EXPECT_DOUBLE_EQ(trivial_error(lines[2], lines).value_or(0), 400.0 / 380 - 1);
  EXPECT_EQ(trivial_error(lines[3], lines), std::nullopt);
}

TEST(ValidationTables, ShowTheTrivialErrorOfASeries) {
  Report report;
  report.figures = {step("320 TFLOPS", 336e12, 0.3), step("400.0 TFLOPS", 390e12, 0.3)};
  report.figures[0].ranks = 1024;
  report.figures[1].ranks = 64;
  for (FigureLine& one : report.figures) {
    one.group = "group";
    one.group_name = "A model";
    one.figure.name = "a step";
    one.figure.series = "a";
  }
  report.figures[0].figure.limit = 0.04;
  // Blanks between columns are the table's affair.
  const std::string text = std::regex_replace(render(report, Format::text), std::regex(" +"), " ");
  for (const char* row :
       {"\nA model\n", " a step 320 TFLOPS 336 TFLOPS +5.00 % predicted 4.0 % NO 30.0 % +25.00 %\n",
        " a step 400.0 TFLOPS 390.0 TFLOPS -2.50 % predicted - - 30.0 % -\n", "\nbroken 1\n",
        "Predicted steps that rest on estimates by 25 % and more\n"}) {
    EXPECT_NE(text.find(row), std::string::npos) << row << text;
  }
}

TEST(TrivialError, DoesNotMixValues) {
  std::vector<FigureLine> lines = {step("320 TFLOPS", 0, 0), step("1 s", 0, 0)};
  lines[0].figure.ours = spec::ours::Step{.value = spec::ours::StepValue::tflops_causal};
  lines[0].ranks = 64;
  lines[1].ranks = 8;
  for (FigureLine& one : lines) one.figure.series = "a";
  EXPECT_EQ(trivial_error(lines[0], lines), std::nullopt);
}

TEST(Summarise, CountsLimitsAndPredictions) {
  // Errors of 1, 3 and 10 %; one of 50 % that rests on estimates by a quarter, so is not counted.
  std::vector<FigureLine> lines = {step("100 s", 101, 0.1), step("100 s", 97, 0.24),
                                   step("100 s", 110, 0), step("100 s", 150, 0.25), line("67", 67)};
  lines[0].figure.limit = 0.05;
  lines[2].figure.limit = 0.05;
  const ValidationSummary summary = summarise(lines);
  EXPECT_EQ(summary.held, 1);
  EXPECT_EQ(summary.broken, 1);
  EXPECT_EQ(summary.without_limit, 3);
  EXPECT_EQ(summary.predictions.count, 3);
  EXPECT_NEAR(summary.predictions.median, 0.03, 1e-12);  // 97 / 100 - 1 rounds.
  EXPECT_NEAR(summary.predictions.worst, 0.10, 1e-12);
  EXPECT_EQ(summary.estimated.count, 1);
  EXPECT_NEAR(summary.estimated.median, 0.5, 1e-12);
}

TEST(PredictedSteps, AreTheFirstFigureOfEachThatIsNoPhase) {
  using V = spec::ours::StepValue;
  std::vector<FigureLine> lines;
  for (const V value : {V::bubble, V::mfu_causal, V::step_time}) {
    lines.push_back(step("1 s", 1, 0));
    lines.back().figure.ours = spec::ours::Step{.workload_path = "a", .value = value};
  }
  lines.push_back(step("1 s", 1, 0));
  lines.push_back(step("1 s", 1, 0));
  lines.back().figure.role = spec::FigureRole::checked;
  lines.push_back(line("1 s", 1));
  const std::vector<const FigureLine*> steps = predicted_steps(lines);
  ASSERT_EQ(steps.size(), 2U);
  EXPECT_EQ(steps[0], &lines[1]);
  EXPECT_EQ(steps[1], &lines[3]);
}

TEST(Summarise, TakesTheMiddleOfTwo) {
  const ValidationSummary summary = summarise({step("100 s", 102, 0), step("100 s", 94, 0)});
  EXPECT_NEAR(summary.predictions.median, 0.04, 1e-12);
}

TEST(Summarise, OfNothing) {
  const ValidationSummary summary = summarise({});
  EXPECT_EQ(summary.held + summary.broken + summary.without_limit, 0);
  EXPECT_EQ(summary.predictions.count, 0);
}

}  // namespace
}  // namespace planewise::report
