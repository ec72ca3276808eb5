// Which labels are one class, and their order.
#include "data/class_names.hpp"

#include <gtest/gtest.h>

namespace bptplr {
namespace {

using Names = std::vector<std::string>;

TEST(ClassNames, NumbersCountAsNumbers) {
  Names labels;
  for (int i = 11; i >= 0; --i) labels.push_back(std::to_string(i));
  const ClassNames twelve(labels);
  EXPECT_EQ(twelve.names()[2], "2");
  EXPECT_EQ(twelve.find("10"), 10);
  EXPECT_TRUE(twelve.warnings().empty());

  const ClassNames one({"3", "03", "3.0", "+3", " 3 ", "1.00"});
  EXPECT_EQ(one.names(), (Names{"1", "3"}));
  for (const char* label : {"3", "003", "3.000", "+3", "\t3"})
    EXPECT_EQ(one.find(label), 1) << label;
  for (const char* label : {"2", "-3", "3.5", "3e0", "x", ""})
    EXPECT_EQ(one.find(label), -1) << label;
  ASSERT_EQ(one.warnings().size(), 1U);
  EXPECT_NE(one.warnings()[0].find("0 1, 1 3"), std::string::npos) << one.warnings()[0];
}

TEST(ClassNames, OneNameMakesAllOfThemText) {
  const ClassNames mixed({"10", "2", "cat"});
  EXPECT_EQ(mixed.names(), (Names{"10", "2", "cat"}));
  EXPECT_EQ(mixed.find("02"), -1);
}

TEST(ClassNames, NamesThatLookTheSameAreTheSame) {
  // "café" with one letter, and with an accent of its own; blanks, among them one that does not
  // break.
  const ClassNames names({"caf\xc3\xa9", "cafe\xcc\x81", " dog", "dog\xc2\xa0\r", "dog"});
  EXPECT_EQ(names.names(), (Names{"caf\xc3\xa9", "dog"}));
  EXPECT_EQ(names.find("cafe\xcc\x81 "), 0);
  EXPECT_TRUE(names.warnings().empty());
  EXPECT_EQ(normal_name("\xff\xfe is no UTF-8 "), "\\xff\\xfe is no UTF-8");
}

TEST(ClassNames, NearlyEqualNamesAreWarnedOf) {
  const auto warnings = ClassNames({"Cat", "cat", "dog", "STRASSE",
                                    "stra\xc3\x9f"
                                    "e"})
                            .warnings();
  ASSERT_EQ(warnings.size(), 2U);
  EXPECT_NE(warnings[0].find("'Cat' and 'cat'"), std::string::npos) << warnings[0];
}

TEST(ClassNames, MissingLabels) {
  for (const char* label :
       {"", " ", "NaN", "nan", "NA", "N/A", "None", "null", "<NA>", "-1", "-1.0"}) {
    EXPECT_TRUE(is_missing_label(label)) << label;
  }
  for (const char* label : {"none of them", "0", "Nan", "-x", "na", "-"}) {
    EXPECT_FALSE(is_missing_label(label)) << label;
  }
}

TEST(ClassNames, AreToldWithTheirNumbers) {
  EXPECT_EQ(numbered_names({"a", "b"}, 2), "0 a, 1 b");
  EXPECT_EQ(numbered_names({"a", "b", "c", "d"}, 2), "0 a, 1 b, ... 3 d");
  EXPECT_EQ(numbered_names({}, 2), "");
}

}  // namespace
}  // namespace bptplr
