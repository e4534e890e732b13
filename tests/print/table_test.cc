// Tables and numbers as people read them.
#include "print/table.h"

#include <gtest/gtest.h>

namespace planewise {
namespace {

TEST(Numbers, AreGroupedInThousands) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1000), "1,000");
  EXPECT_EQ(grouped(131072), "131,072");
  EXPECT_EQ(grouped(-1234567), "-1,234,567");
}

TEST(Numbers, AreRoundedToTheirPlaces) {
  EXPECT_EQ(fixed(8.99072, 2), "8.99");
  EXPECT_EQ(fixed(12345.6, 1), "12,345.6");
  EXPECT_EQ(fixed(999999.5, 0), "1,000,000");
  EXPECT_EQ(fixed(-0.04, 1), "0.0");
  EXPECT_EQ(fixed(-1234.5, 1), "-1,234.5");
  EXPECT_EQ(percent(0.3894, 2), "38.94 %");
  EXPECT_EQ(signed_percent(0.707, 1), "+70.7 %");
  EXPECT_EQ(signed_percent(-0.031, 1), "-3.1 %");
  EXPECT_EQ(signed_percent(0.00001, 1), "0.0 %");
}

TEST(Bars, AreEighthsOfOne) {
  EXPECT_EQ(bars({0, 0.124, 0.125, 0.5, 0.874, 0.875, 1, 1.2}), "▁▁▂▅▇███");
  EXPECT_EQ(bars({}), "");
}

TEST(Groups, AreOfEqualSizeButTheLast) {
  const std::vector<double> values = {1, 3, 2, 2, 5};
  EXPECT_EQ(grouped_means(values, 3), (std::vector<double>{2, 2, 5}));
  EXPECT_EQ(grouped_maxima(values, 3), (std::vector<double>{3, 2, 5}));
  EXPECT_EQ(grouped_means(values, 5), values);
  EXPECT_EQ(grouped_means(values, 100), values);
}

const Table kTable{.title = "Title",
                   .columns = {"", "a", "wide column"},
                   .rows = {{"group"}, {"  row", "1", "22"}, {"µs", "3", "4"}}};

TEST(TextTable, LinesUpInColumns) {
  // A heading may be longer than its column; µ is two bytes but one column wide.
  EXPECT_EQ(to_text(kTable),
            "Title\n"
            "       a  wide column\n"
            "---------------------\n"
            "group\n"
            "  row  1           22\n"
            "µs     3            4\n");
}

TEST(MarkdownTable, HasOneCellAColumn) {
  EXPECT_EQ(to_markdown(kTable),
            "### Title\n\n"
            "|  | a | wide column |\n"
            "|:---|---:|---:|\n"
            "| **group** |  |  |\n"
            "| &nbsp;&nbsp;row | 1 | 22 |\n"
            "| µs | 3 | 4 |\n");
}

}  // namespace
}  // namespace planewise
