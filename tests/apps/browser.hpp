// Renders pages in a browser, if one is installed.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <initializer_list>
#include <sstream>
#include <string>
#include <vector>

#include "tests/apps/run_app.hpp"

namespace bptplr {

/// Widths of a telephone and of a desktop, at which pages are looked at.
constexpr std::initializer_list<int> kWidths = {390, 1280};

/// Opens a page of the folder in a window that is wide enough for both frames of problems_of, and
/// writes the document to drawn.html and the console to console.txt. Returns whether that worked
/// within a minute.
inline bool open_page(const TemporaryFolder& folder, const std::string& browser,
                      const std::string& page) {
  const std::string command =
      "timeout 60 " + browser + " --headless --no-sandbox --disable-gpu --disable-dev-shm-usage" +
      " --user-data-dir='" + (folder / "browser") + "' --window-size=1800,1000" +
      " --run-all-compositor-stages-before-draw --virtual-time-budget=20000" +
      " --enable-logging=stderr --dump-dom 'file://" + (folder / page) + "' >'" +
      (folder / "drawn.html") + "' 2>'" + (folder / "console.txt") + "'";
  return std::system(command.c_str()) == 0;
}

/// Returns a page of the folder after its script has run; empty if that takes a minute.
inline std::string drawn_page(const TemporaryFolder& folder, const std::string& browser,
                              const std::string& page) {
  return open_page(folder, browser, page) ? read_text(folder / "drawn.html") : "";
}

/// Returns a Chromium that can open files here, which a sandboxed one may not; empty if none can,
/// and then the test fails where BPTPLR_NEEDS_BROWSER is set.
inline std::string find_chromium(const TemporaryFolder& folder) {
  write_text(folder / "probe.html", "<script>document.write(6 * 7)</script>");
  for (const char* name : {"chromium", "chromium-browser", "google-chrome"}) {
    if (contains(drawn_page(folder, name, "probe.html"), "42")) return name;
  }
  EXPECT_EQ(std::getenv("BPTPLR_NEEDS_BROWSER"), nullptr) << read_text(folder / "console.txt");
  return "";
}

/// Returns a section of a page with its content.
inline std::string section_of(const std::string& page, const std::string& id) {
  const std::size_t begin = page.find("<section id=\"" + id + "\"");
  if (begin == std::string::npos) return "";
  return page.substr(begin, page.find("</section>", begin) - begin);
}

/// Returns what is wrong with a page of the folder on a telephone and on a desktop: all that its
/// scripts write to the console, such as errors that nothing catches, what inspect.js finds, and
/// sections other than these, separated by spaces.
inline std::vector<std::string> problems_of(const TemporaryFolder& folder,
                                            const std::string& browser, const std::string& page,
                                            const std::string& sections) {
  std::string inspected = read_text(folder / page);
  const std::string script =
      "<script>" + read_text(BPTPLR_SOURCE_DIR "/tests/apps/inspect.js") + "</script>";
  const std::size_t end = inspected.rfind("</body>");
  if (end == std::string::npos) return {page + " is no page"};
  inspected.insert(end, script);
  std::string source;
  for (const char c : inspected) {
    if (c == '&') {
      source += "&amp;";
    } else if (c == '"') {
      source += "&quot;";
    } else {
      source += c;
    }
  }
  // A window cannot be as narrow as a telephone, but a frame can.
  std::string frames = "<!doctype html><body style='display: flex'>";
  for (const int width : kWidths) {
    frames += fmt::format("<iframe width={} height=900 frameborder=0 srcdoc=\"{}\"></iframe>",
                          width, source);
  }
  write_text(folder / "frames.html", frames + "</body>");

  std::vector<std::string> problems;
  if (!open_page(folder, browser, "frames.html")) problems.emplace_back("the browser failed");
  std::istringstream console(read_text(folder / "console.txt"));
  std::string looked_at;
  for (std::string line; std::getline(console, line);) {
    if (!contains(line, ":CONSOLE")) continue;
    if (contains(line, "\"looked at, at width ")) {
      looked_at += line;
    } else {
      problems.push_back(line);
    }
  }
  for (const int width : kWidths) {
    const std::string expected = fmt::format("\"looked at, at width {}: {}\"", width, sections);
    if (!contains(looked_at, expected)) {
      problems.push_back(fmt::format("there is no {}, but '{}'", expected, looked_at));
    }
  }
  return problems;
}

/// Expects that a page of the folder has these sections, in this order, and no problem.
inline void expect_drawn(const TemporaryFolder& folder, const std::string& browser,
                         const std::string& page, const std::string& sections) {
  SCOPED_TRACE(page);
  for (const std::string& problem : problems_of(folder, browser, page, sections)) {
    ADD_FAILURE() << problem;
  }
}

}  // namespace bptplr
