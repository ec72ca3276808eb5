// What the page of a report is made of; embed.cmake puts the files of this folder into the program.
#pragma once

#include <string_view>

namespace bptplr::report_files {

extern const std::string_view
    kPage;  ///< page.html, with {{title}}, {{style}}, {{script}}, {{data}}
extern const std::string_view kStyle;   ///< style.css
extern const std::string_view kScript;  ///< charts.js and page.js

}  // namespace bptplr::report_files
