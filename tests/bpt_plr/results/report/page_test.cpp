#include "bpt_plr/results/report/page.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "data/images/image_file.hpp"

namespace bptplr {
namespace {

using Json = nlohmann::ordered_json;

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++found;
  }
  return found;
}

/// What stands between two texts in a page.
std::string between(const std::string& page, const std::string& before, const std::string& after) {
  const std::size_t begin = page.find(before) + before.size();
  return page.substr(begin, page.find(after, begin) - begin);
}

Json report_named(const std::string& run) {
  return {
      {"run", run}, {"classes", {"a", run}}, {"heading", "data " + run}, {"about", "in " + run}};
}

constexpr const char* kDataBegins = "<script type=\"application/json\" id=\"report\">";

TEST(ReportPage, NoNameLeavesTheTextThatItStandsIn) {
  const std::string harmless = report_page(report_named("run"));
  for (const std::string name : {"</script><script>alert(1)</script>", "</title><b>",
                                 "<!--<script>", "\"' onerror=alert(1) x='", "&lt;b&gt;",
                                 "{{script}}{{data}}", "a\\u003c/script>", "]]>\xe2\x80\xa8"}) {
    const std::string page = report_page(report_named(name));
    EXPECT_EQ(count(page, "<script"), count(harmless, "<script")) << name;
    EXPECT_EQ(count(page, "</script"), count(harmless, "</script")) << name;
    EXPECT_EQ(count(page, "<!--"), 0U) << name;
    EXPECT_EQ(count(page, "<b>"), 0U) << name;
    const std::string data = between(page, kDataBegins, "</script>");
    EXPECT_EQ(Json::parse(data)["classes"][1], name) << data;
  }
}

TEST(ReportPage, BytesThatAreNoTextBecomeReplacementCharacters) {
  const std::string page =
      report_page(report_named("a\xff"
                               "b"));
  EXPECT_NE(page.find("b - in a\xef\xbf\xbd"
                      "b</title>"),
            std::string::npos);
  EXPECT_EQ(Json::parse(between(page, kDataBegins, "</script>"))["run"],
            "a\xef\xbf\xbd"
            "b");
}

TEST(ReportPage, LoadsNothing) {
  const std::string page = report_page(report_named("run"));
  for (const char* part : {"http:", "https:", "//cdn", "url(", "@import", " src=", "{{", "}}"}) {
    EXPECT_EQ(count(page, part), 0U) << part;
  }
  EXPECT_EQ(count(page, "<link"), 1U);
  EXPECT_EQ(count(page, "<link rel=\"icon\" href=\"data:,\">"), 1U);
  EXPECT_EQ(count(page, "default-src 'none'"), 1U) << "the browser is told as well";
  EXPECT_EQ(count(page, "innerHTML"), 0U);
}

TEST(ReportPage, SectionsOfTheScriptAreThoseOfThePage) {
  const std::string page = report_page(report_named("run"));
  for (const std::string id :
       {"suspects", "curves", "selection", "balance", "test", "noise", "recipe"}) {
    EXPECT_EQ(count(page, fmt::format("<section id=\"{}\"", id)), 1U) << id;
    EXPECT_EQ(count(page, fmt::format("href=\"#{}\"", id)), 1U) << id;
    EXPECT_EQ(count(page, fmt::format("section(\"{0}\", report.{0}", id)), 1U) << id;
  }
}

std::string decode_base64(const std::string& text) {
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  unsigned group = 0;
  int bits = 0;
  for (const char c : text) {
    if (c == '=') break;
    group = group << 6 | static_cast<unsigned>(digits.find(c));
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes += static_cast<char>(group >> bits);
  }
  return bytes;
}

TEST(DataUri, HoldsThePicture) {
  const std::string prefix = "data:image/png;base64,";
  std::set<std::size_t> paddings;
  for (int side = 1; side < 24; ++side) {
    Image image{side, side + 1, {}};
    for (int i = 0; i < side * (side + 1) * 3; ++i) {
      image.pixels.push_back(static_cast<std::uint8_t>(i * i % 251));
    }
    const std::string uri = data_uri(image);
    ASSERT_TRUE(uri.starts_with(prefix));
    ASSERT_EQ((uri.size() - prefix.size()) % 4, 0U);
    paddings.insert(count(uri, "="));
    const Image decoded = decode_image(decode_base64(uri.substr(prefix.size())), "the page");
    EXPECT_EQ(decoded.pixels, image.pixels) << side;
  }
  EXPECT_EQ(paddings, (std::set<std::size_t>{0, 1, 2}));
}

}  // namespace
}  // namespace bptplr
