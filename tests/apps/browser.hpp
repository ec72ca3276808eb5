// Renders pages in a browser, if one is installed.
#pragma once

#include <cstdlib>
#include <string>

#include "tests/apps/run_app.hpp"

namespace bptplr {

/// Returns a page of the folder after its script has run; empty if that takes a minute.
inline std::string drawn_page(const TemporaryFolder& folder, const std::string& browser,
                              const std::string& page) {
  const std::string command =
      "timeout 60 " + browser + " --headless --no-sandbox --disable-gpu --disable-dev-shm-usage" +
      " --user-data-dir='" + (folder / "browser") +
      "' --run-all-compositor-stages-before-draw --virtual-time-budget=2000 --dump-dom" +
      " 'file://" + (folder / page) + "' >'" + (folder / "drawn.html") + "' 2>/dev/null";
  return std::system(command.c_str()) == 0 ? read_text(folder / "drawn.html") : "";
}

/// Returns a Chromium that can open files here, which a sandboxed one may not; empty if none can.
inline std::string find_chromium(const TemporaryFolder& folder) {
  write_text(folder / "probe.html", "<script>document.write(6 * 7)</script>");
  for (const char* name : {"chromium", "chromium-browser", "google-chrome"}) {
    if (contains(drawn_page(folder, name, "probe.html"), "42")) return name;
  }
  return "";
}

/// Returns a section of a page with its content.
inline std::string section_of(const std::string& page, const std::string& id) {
  const std::size_t begin = page.find("<section id=\"" + id + "\"");
  if (begin == std::string::npos) return "";
  return page.substr(begin, page.find("</section>", begin) - begin);
}

}  // namespace bptplr
