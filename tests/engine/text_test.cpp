#include "engine/text.hpp"

#include <gtest/gtest.h>

#include "engine/error.hpp"

namespace bptplr {
namespace {

TEST(Text, WhatATerminalObeysIsEscaped) {
  EXPECT_EQ(printable("a\x1b[2Jb\n\r\t\x7f\x01"), "a\\x1b[2Jb\\n\\r\\t\\x7f\\x01");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "\\u{9b}31m")
      << "C1: the same as ESC [";
  EXPECT_EQ(printable("cat\xe2\x80\xaegnp.exe"), "cat\\u{202e}gnp.exe");
  EXPECT_EQ(printable("\xe2\x80\xa8\xe2\x81\xa6"), "\\u{2028}\\u{2066}");
}

TEST(Text, EverythingElseStaysAsItIs) {
  for (const char* text :
       {"", "plain 'text' \\x1b", "Käse", "\xe7\x8a\xac", "\xf0\x9f\x90\x95", "\xc2\xa0"}) {
    EXPECT_EQ(printable(text), text);
    EXPECT_EQ(printable(printable(text)), text);
  }
}

TEST(Text, BytesThatAreNotUtf8AreShownAsNumbers) {
  EXPECT_EQ(printable("\xff\x80"), "\\xff\\x80");
  EXPECT_EQ(printable("\xc0\xaf"), "\\xc0\\xaf") << "longer than needed";
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80") << "half of a surrogate pair";
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80") << "beyond Unicode";
  EXPECT_EQ(printable("a\xe7\x8a"), "a\\xe7\\x8a") << "cut";
}

TEST(Text, LongTextIsCutBetweenCharacters) {
  EXPECT_EQ(shortened("short", 5), "short");
  const std::string cut = shortened("abcdefgh" + std::string(1000, '.') + "stuvwxyz", 9);
  EXPECT_EQ(cut, "abcdef... (1007 bytes) ...xyz");
  std::string accents;
  for (int i = 0; i < 100; ++i) accents += "\xc3\xa4";
  for (std::size_t most = 10; most < 20; ++most) {
    EXPECT_EQ(printable(shortened(accents, most)).find("\\x"), std::string::npos) << most;
  }
}

TEST(Text, ASentenceQuotesNoMegabytesAndNoCommands) {
  const Error error("the value {} is wrong; correct it", std::string(1 << 20, '\x1b'));
  const std::string sentence = error.what();
  EXPECT_LT(sentence.size(), 10'000U);
  EXPECT_TRUE(sentence.starts_with("the value ")) << sentence;
  EXPECT_TRUE(sentence.ends_with("; correct it")) << sentence;
  EXPECT_EQ(sentence.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace bptplr
