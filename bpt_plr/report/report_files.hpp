// What the pages of a run and of a comparison are made of; embed.cmake puts the files of this
// folder into the program.
#pragma once

#include <string_view>

namespace bptplr::report_files {

extern const std::string_view
    kPage;  ///< page.html, with {{title}}, {{style}}, {{script}}, {{data}}
extern const std::string_view kStyle;          ///< style.css
extern const std::string_view kScript;         ///< charts.js and page.js
extern const std::string_view kComparePage;    ///< compare.html, with the same places
extern const std::string_view kCompareScript;  ///< charts.js and compare.js

}  // namespace bptplr::report_files
