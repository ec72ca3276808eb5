#include "engine/io/json.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/message_of.hpp"

namespace bptplr {
namespace {

std::string nested(int depth) {
  const auto n = static_cast<std::size_t>(depth);
  return std::string(n, '[') + std::string(n, ']');
}

TEST(Json, DeepNestingIsRefusedBeforeItIsRead) {
  EXPECT_NO_THROW(parse_json(nested(kMaxJsonDepth), "x.json"));
  EXPECT_NE(message_of([] {
              parse_json(nested(kMaxJsonDepth + 1), "x.json");
            }).find("x.json is not valid JSON here: at byte 100 it is nested deeper than 100"),
            std::string::npos);
  EXPECT_TRUE(parse_json_or_none(nested(1'000'000)).is_discarded());
  EXPECT_TRUE(parse_ordered_json_or_none(std::string(1'000'000, '{')).is_discarded());
}

TEST(Json, BracketsInTextsAreNoNesting) {
  const std::string brackets(1000, '[');
  EXPECT_EQ(parse_json("\"" + brackets + "\"", "x"), brackets);
  EXPECT_EQ(parse_json("\"\\\"" + brackets + "\\\\\"", "x"), "\"" + brackets + "\\");
}

TEST(Json, ErrorsSayWhereAndAreShort) {
  const std::string message =
      message_of([] { parse_json("{\"a\": " + std::string(1 << 20, 'x'), "r.json"); });
  EXPECT_NE(message.find("r.json is not valid JSON: parse error at line 1"), std::string::npos)
      << message;
  EXPECT_LT(message.size(), 400U);
  EXPECT_FALSE(message_of([] { parse_json("1e999", "r.json"); }).empty());
}

TEST(Json, WhatATerminalObeysIsEscapedAndReadBack) {
  const std::string text = "a\x1b\x7f\xc2\x9b\xc2\xa9\xe2\x80\xae\xe2\x82\xac\xe2\x81\xa9";
  const std::string written = to_text(nlohmann::json(text));
  EXPECT_EQ(written, "\"a\\u001b\\u007f\\u009b\xc2\xa9\\u202e\xe2\x82\xac\\u2069\"");
  EXPECT_EQ(parse_json(written, "x"), text);
}

}  // namespace
}  // namespace bptplr
