// Files of this folder, embedded in the program by embed.cmake: parts of the pages of runs and
// comparisons.
#pragma once

#include <string_view>

namespace bptplr::report_files {

/// frame.html, with places for {{title}}, {{heading}}, {{about}}, {{style}}, {{body}}, {{script}},
/// {{data}}.
extern const std::string_view kFrame;
extern const std::string_view kPage;           ///< page.html, a body
extern const std::string_view kStyle;          ///< style.css
extern const std::string_view kScript;         ///< charts.js and page.js
extern const std::string_view kComparePage;    ///< compare.html, a body
extern const std::string_view kReviewPage;     ///< review.html, a body
extern const std::string_view kReviewScript;   ///< charts.js and review.js
extern const std::string_view kCompareScript;  ///< charts.js and compare.js

}  // namespace bptplr::report_files
