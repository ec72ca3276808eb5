// Breaking text into lines, and tables into columns.
#include "apps/terminal/text_layout.hpp"

#include <gtest/gtest.h>

namespace bptplr {
namespace {

TEST(TextLayout, BreaksBetweenWords) {
  EXPECT_EQ(wrap("one two three", 9), "one two\nthree");
  EXPECT_EQ(wrap("one two three", 13), "one two three");
  EXPECT_EQ(wrap("one two three", 7, 2), "one two\n  three");
  EXPECT_EQ(wrap("name      one two", 14, 10), "name      one\n          two");
  EXPECT_EQ(wrap("a b\nc d", 1, 1), "a\n b\n c\n d");
  EXPECT_EQ(wrap("ends\n", 80), "ends\n");
  EXPECT_EQ(wrap("two\n\n", 80, 2), "two\n\n");
  EXPECT_EQ(wrap("", 80), "");
}

TEST(TextLayout, KeepsLongWordsWhole) {
  EXPECT_EQ(wrap("in /a/long/path here", 8), "in\n/a/long/path\nhere");
  EXPECT_EQ(wrap("/a/long/path", 4, 2), "/a/long/path");
  EXPECT_EQ(wrap("flag one|two|three", 9), "flag one|\ntwo|three");
  EXPECT_EQ(wrap("äöü äöü", 7), "äöü äöü");
}

TEST(TextLayout, CutsNamesWhereItShows) {
  EXPECT_EQ(fit("name", 6), "name  ");
  EXPECT_EQ(fit("long name", 5), "long~");
  EXPECT_EQ(fit("äöüß", 3), "äö~");
  EXPECT_EQ(align_right("12", 4), "  12");
}

TEST(TextLayout, TablesNarrowNamesThenLoseColumns) {
  const std::vector<TableColumn> table{{"name", true, 4}, {"n"}, {"extra", false, 0, 1}};
  const std::vector<std::vector<std::string>> rows{{"a long name", "7", "12345"}, {"b", "10", "1"}};
  using Lines = std::vector<std::string>;
  EXPECT_EQ(table_lines(table, rows, 80),
            (Lines{"name          n  extra", "a long name   7  12345", "b            10      1"}));
  EXPECT_EQ(table_lines(table, rows, 15),
            (Lines{"name   n  extra", "a l~   7  12345", "b     10      1"}));
  EXPECT_EQ(table_lines(table, rows, 12), (Lines{"name       n", "a long ~   7", "b         10"}));
  EXPECT_EQ(table_lines({{""}, {"n"}}, {{"", "1"}}, 80, 2), (Lines{"  n", "  1"}));
}

}  // namespace
}  // namespace bptplr
