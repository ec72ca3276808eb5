// A report as one HTML file that needs nothing else: style, script, data and pictures are in it.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "data/images/image.hpp"

namespace bptplr {

/// The frame of our pages around `body`, with this title, `script`, and `data` for it to show.
/// Whatever texts hold, they stay text: none ends the element that they stand in. Bytes that are no
/// UTF-8 become U+FFFD.
std::string html_page(std::string_view body, std::string_view script, const std::string& title,
                      const nlohmann::ordered_json& data);

/// The page that shows `report` (make_report).
std::string report_page(const nlohmann::ordered_json& report);

/// `text` for HTML, in elements and in quoted attributes.
std::string escape_html(std::string_view text);

/// `json` for a script element of type application/json: no < > & and nothing beyond ASCII.
std::string embed_json(const nlohmann::ordered_json& json);

/// The picture as the address "data:image/png;base64,...".
std::string data_uri(const Image& image);

}  // namespace bptplr
