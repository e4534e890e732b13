#include "base/unit_text.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace planewise {
namespace {

struct Good {
  std::string text;
  double base;
  Dimension dimension;
};

std::ostream& operator<<(std::ostream& out, const Good& good) { return out << good.text; }

class ReadableQuantity : public testing::TestWithParam<Good> {};

TEST_P(ReadableQuantity, IsExact) {
  const auto parsed = parse_quantity(GetParam().text);
  const auto* quantity = std::get_if<TextQuantity>(&parsed);
  ASSERT_NE(quantity, nullptr) << std::get<TextProblem>(parsed).message;
  EXPECT_EQ(quantity->base, GetParam().base);
  EXPECT_TRUE(quantity->dimension == GetParam().dimension);
}

INSTANTIATE_TEST_SUITE_P(Times, ReadableQuantity,
                         testing::Values(Good{"1 ns", 1e-9, Seconds::dimension},
                                         Good{"3 ns", 3e-9, Seconds::dimension},
                                         Good{"3.7 us", 3.7e-6, Seconds::dimension},
                                         Good{"0.98 us", 0.98e-6, Seconds::dimension},
                                         Good{"7 ms", 7e-3, Seconds::dimension},
                                         Good{"0 s", 0, Seconds::dimension},
                                         Good{"2 h", 7200, Seconds::dimension}));
INSTANTIATE_TEST_SUITE_P(
    Sizes, ReadableQuantity,
    testing::Values(Good{"8 b", 1, Bytes::dimension}, Good{"1 b", 0.125, Bytes::dimension},
                    Good{"1 B", 1, Bytes::dimension}, Good{"80 kb", 1e4, Bytes::dimension},
                    Good{"80 Mb", 1e7, Bytes::dimension}, Good{"80 Gb", 1e10, Bytes::dimension},
                    Good{"80 Tb", 1e13, Bytes::dimension}, Good{"7 kB", 7e3, Bytes::dimension},
                    Good{"7 MB", 7e6, Bytes::dimension}, Good{"80 GB", 80e9, Bytes::dimension},
                    Good{"7 TB", 7e12, Bytes::dimension},
                    Good{"7 KiB", 7.0 * 1024, Bytes::dimension},
                    Good{"7 MiB", 7.0 * 1024 * 1024, Bytes::dimension},
                    Good{"7 GiB", 7.0 * 1024 * 1024 * 1024, Bytes::dimension},
                    Good{"8 Kib", 1024, Bytes::dimension},
                    Good{"8 Mib", 1024.0 * 1024, Bytes::dimension},
                    Good{"8 Gib", 1024.0 * 1024 * 1024, Bytes::dimension}));
INSTANTIATE_TEST_SUITE_P(
    Rates, ReadableQuantity,
    testing::Values(Good{"8 b/s", 1, Rate::dimension}, Good{"1 B/s", 1, Rate::dimension},
                    Good{"400 Gb/s", 50e9, Rate::dimension}, Good{"50 GB/s", 50e9, Rate::dimension},
                    Good{"8 kb/s", 1e3, Rate::dimension}, Good{"1.6 Tb/s", 200e9, Rate::dimension},
                    Good{"8 Mb/s", 1e6, Rate::dimension}, Good{"1 kB/s", 1e3, Rate::dimension},
                    Good{"1 MB/s", 1e6, Rate::dimension},
                    Good{"3.35 TB/s", 3.35e12, Rate::dimension},
                    Good{"1 KiB/s", 1024, Rate::dimension},
                    Good{"1 MiB/s", 1024.0 * 1024, Rate::dimension},
                    Good{"1 GiB/s", 1024.0 * 1024 * 1024, Rate::dimension},
                    Good{"8 Kib/s", 1024, Rate::dimension}));
INSTANTIATE_TEST_SUITE_P(
    Others, ReadableQuantity,
    testing::Values(Good{"747 W", 747, Watts::dimension}, Good{"1.72 kW", 1720, Watts::dimension},
                    Good{"40000 USD", 40000, Usd::dimension}, Good{"2 m", 2, Metres::dimension},
                    Good{"989 TFLOPS", 989e12, FlopRate::dimension},
                    Good{"250 GFLOP", 250e9, Flop::dimension}, Good{"80 %", 0.8, Dimension{}},
                    Good{"57 %", 0.57, Dimension{}}, Good{"5.1 %", 0.051, Dimension{}},
                    Good{"-5 %", -0.05, Dimension{}}, Good{"1e3 W", 1000, Watts::dimension}));

// Every whole percentage is the double nearest to it, which n * 0.01 is not (57 gives
// 0.5700000000000001).
TEST(ParseQuantity, RoundNumbersStayRound) {
  for (int n = 0; n <= 100; ++n) {
    const auto percent = std::get<TextQuantity>(parse_quantity(std::to_string(n) + " %"));
    EXPECT_EQ(percent.base, n / 100.0);
    const auto time = std::get<TextQuantity>(parse_quantity(std::to_string(n) + " us"));
    EXPECT_EQ(time.base, microseconds(n).base());
  }
}

struct Bad {
  std::string text;
  std::string message;
};

std::ostream& operator<<(std::ostream& out, const Bad& bad) { return out << bad.text; }

class RefusedQuantity : public testing::TestWithParam<Bad> {};

TEST_P(RefusedQuantity, SaysWhy) {
  const auto parsed = parse_quantity(GetParam().text);
  const auto* problem = std::get_if<TextProblem>(&parsed);
  ASSERT_NE(problem, nullptr);
  EXPECT_EQ(problem->message, GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    Numbers, RefusedQuantity,
    testing::Values(Bad{"400", "'400' has no unit"}, Bad{"0", "'0' has no unit"},
                    Bad{"", "'' is not a number, one space and a unit"},
                    Bad{"400Gb/s", "'400Gb/s' is not a number, one space and a unit"},
                    Bad{"Gb/s", "'Gb/s' is not a number, one space and a unit"},
                    Bad{"400\tGb/s", "'400\\tGb/s' is not a number, one space and a unit"},
                    Bad{"010 us", "'010 us' does not start with a plain decimal number"},
                    Bad{"1e400 USD", "'1e400 USD' does not start with a plain decimal number"},
                    Bad{"nan W", "'nan W' does not start with a plain decimal number"},
                    Bad{"inf W", "'inf W' does not start with a plain decimal number"},
                    Bad{"0x10 W", "'0x10 W' does not start with a plain decimal number"},
                    Bad{"1_000 W", "'1_000 W' does not start with a plain decimal number"},
                    Bad{"1,000 W", "'1,000 W' does not start with a plain decimal number"},
                    Bad{".5 W", "'.5 W' does not start with a plain decimal number"},
                    Bad{"+5 W", "'+5 W' does not start with a plain decimal number"},
                    Bad{" 5 W", "' 5 W' does not start with a plain decimal number"},
                    Bad{"five W", "'five W' does not start with a plain decimal number"},
                    Bad{"5  W", "'5  W' has more than one space before its unit"},
                    Bad{"1e308 TB", "'1e308 TB' is too large"}));
INSTANTIATE_TEST_SUITE_P(
    Units, RefusedQuantity,
    testing::Values(Bad{"400 Gbps", "unknown unit 'Gbps'; did you mean 'Gb/s'?"},
                    Bad{"400 Gbit/s", "unknown unit 'Gbit/s'; did you mean 'Gb/s'?"},
                    Bad{"50 GBps", "unknown unit 'GBps'; did you mean 'GB/s'?"},
                    Bad{"50 GiBps", "unknown unit 'GiBps'; did you mean 'GiB/s'?"},
                    Bad{"7 KB", "unknown unit 'KB'; did you mean 'kB'?"},
                    Bad{"7 kiB", "unknown unit 'kiB'; did you mean 'KiB'?"},
                    Bad{"7 gb/s", "unknown unit 'gb/s'; did you mean 'Gb/s'?"},
                    Bad{"3 sec", "unknown unit 'sec'; did you mean 's'?"},
                    Bad{"3 \u00b5s", "unknown unit '\u00b5s'; did you mean 'us'?"},
                    Bad{"5 $", "unknown unit '$'; did you mean 'USD'?"},
                    Bad{"5 TFLOP/s", "unknown unit 'TFLOP/s'; did you mean 'TFLOPS'?"},
                    Bad{"5 watts", "unknown unit 'watts'; did you mean 'W'?"},
                    Bad{"5 furlongs", "unknown unit 'furlongs'"}, Bad{"5 ", "unknown unit ''"},
                    Bad{"5 W ", "unknown unit 'W '"}, Bad{"5 EUR", "unknown unit 'EUR'"},
                    Bad{"5 PB", "unknown unit 'PB'"}, Bad{"5 Ti", "unknown unit 'Ti'"},
                    Bad{"5 \x1b[2J", "unknown unit '\\x1b[2J'"}));

// What a hint proposes must itself be read.
TEST(ParseQuantity, ProposesUnitsThatItKnows) {
  for (const char* unit : {"Gbps", "kbps", "TBps", "MiBps", "Gbit", "GByte", "Kb", "mb/s", "tB",
                           "usd", "dollars", "seconds", "hours", "w", "KW", "percent", "tflops"}) {
    const auto parsed = parse_quantity("1 " + std::string(unit));
    const std::string& message = std::get<TextProblem>(parsed).message;
    const std::size_t guess = message.find("did you mean '");
    ASSERT_NE(guess, std::string::npos) << message;
    std::string right = message.substr(guess + 14);
    right.resize(right.size() - 2);
    EXPECT_TRUE(std::holds_alternative<TextQuantity>(parse_quantity("1 " + right))) << right;
  }
}

TEST(ParseNumber, ReadsPlainDecimals) {
  struct Case {
    const char* text;
    double value;
  };
  for (const auto& [text, expected] : {Case{"12", 12}, Case{"-0.5", -0.5}, Case{"1e3", 1000},
                                       Case{"0", 0}, Case{"0.25", 0.25}, Case{"2E-2", 0.02}}) {
    double value = 0;
    EXPECT_TRUE(parse_number(text, value)) << text;
    EXPECT_EQ(value, expected);
  }
}

TEST(ParseNumber, LeavesTheValueAloneOnRefusal) {
  for (const char* text : {"", "-", "010", "-010", "00", "0x1F", "inf", "-inf", "nan", ".5", "+1",
                           "1e400", "1_000", "1,5", "12 ", " 12", "1e", "1.2.3", "twelve"}) {
    double value = 42;
    EXPECT_FALSE(parse_number(text, value)) << text;
    EXPECT_EQ(value, 42) << text;
  }
}

TEST(ParsePrinted, KeepsDigitsAndUnit) {
  struct Case {
    std::string_view text;
    double base;
    int decimals;
    double one;
    std::string_view unit;
  };
  for (const Case& c :
       {Case{"70272 B", 70272, 0, 1, " B"}, Case{"19.926 s", 19.926, 3, 1, " s"},
        Case{"43.73 %", 0.4373, 2, 0.01, " %"}, Case{"671", 671, 0, 1, ""},
        Case{"272.80e9", 272.8e9, 2, 1e9, "e9"}, Case{"72e6 USD", 72e6, 0, 1e6, "e6 USD"},
        Case{"120.96 us", 120.96e-6, 2, 1e-6, " us"}}) {
    SCOPED_TRACE(c.text);
    const auto printed = std::get<PrintedValue>(parse_printed(c.text));
    EXPECT_DOUBLE_EQ(printed.base, c.base);
    EXPECT_EQ(printed.decimals, c.decimals);
    EXPECT_EQ(printed.one, c.one);
    EXPECT_EQ(printed.unit, c.unit);
  }
}

TEST(ParsePrinted, RefusesWhatIsNoValue) {
  for (const std::string_view text : {"", "fast", "010", "1 Gbps", "1e400", "1e400 B", "- B"}) {
    EXPECT_TRUE(std::holds_alternative<TextProblem>(parse_printed(text))) << text;
  }
}

TEST(DimensionName, HasAWordAndAnExampleForEach) {
  struct Case {
    Dimension dimension;
    const char* name;
    const char* example;
  };
  const std::array cases = {
      Case{Bytes::dimension, "a size", "'7 KiB' or '50 GB'"},
      Case{Rate::dimension, "a rate", "'400 Gb/s' (bits) or '50 GB/s' (bytes)"},
      Case{Seconds::dimension, "a time", "'3.7 us'"},
      Case{Usd::dimension, "a price", "'40000 USD'"},
      Case{Watts::dimension, "a power", "'747 W'"},
      Case{Metres::dimension, "a length", "'2 m'"},
      Case{FlopRate::dimension, "a compute rate", "'989 TFLOPS'"},
      Case{Flop::dimension, "an amount of work", "'250 GFLOP'"},
      Case{Dimension{}, "a plain number", "'1.5' or '80 %'"}};
  for (const Case& c : cases) {
    EXPECT_EQ(dimension_name(c.dimension), c.name);
    EXPECT_EQ(dimension_example(c.dimension), c.example);
  }
}

}  // namespace
}  // namespace planewise
