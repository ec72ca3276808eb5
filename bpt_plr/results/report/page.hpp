// Renders a report as one self-contained HTML file: style, script, data and pictures are embedded.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "bpt_plr/results/report/heading.hpp"
#include "data/images/image.hpp"

namespace bptplr {

/// Returns a page with the common frame around `body`, this heading, `script`, and `data` for it to
/// show. Texts are escaped: none can end its element. Bytes that are not UTF-8 become U+FFFD.
std::string html_page(std::string_view body, std::string_view script, const Heading& heading,
                      const nlohmann::ordered_json& data);

/// Returns the page of a run's `report` (make_report).
std::string report_page(const nlohmann::ordered_json& report);

/// Escapes `text` for HTML elements and quoted attributes.
std::string escape_html(std::string_view text);

/// Escapes `json` for a script element of type application/json: no < > &, and ASCII only.
std::string embed_json(const nlohmann::ordered_json& json);

/// Returns the picture as the address "data:image/png;base64,...".
std::string data_uri(const Image& image);

}  // namespace bptplr
