#include "bpt_plr/results/report/page.hpp"

#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>

#include "bpt_plr/results/report/page/report_files.hpp"
#include "data/images/codecs.hpp"
#include "engine/error.hpp"
#include "engine/io/json.hpp"

namespace bptplr {
namespace {

/// Encodes bytes in base64 (RFC 4648, section 4).
std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      const auto byte = i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0U;
      group = group << 8 | byte;
    }
    for (std::size_t k = 0; k < 4; ++k) {
      const bool is_padding = i + k > bytes.size();
      text += is_padding ? '=' : kDigits[group >> (18 - 6 * k) & 63];
    }
  }
  return text;
}

/// Replaces every {{name}} of the template, without looking for names in the inserted values.
std::string fill(std::string_view form,
                 const std::array<std::pair<std::string_view, std::string>, 7>& values) {
  std::string page;
  while (true) {
    const std::size_t open = form.find("{{");
    page += form.substr(0, open);
    if (open == std::string_view::npos) return page;
    const std::size_t close = form.find("}}", open);
    const std::string_view name = form.substr(open + 2, close - open - 2);
    for (const auto& [known, value] : values) {
      if (known == name) page += value;
    }
    form.remove_prefix(close + 2);
  }
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string embed_json(const nlohmann::ordered_json& json) {
  // Within JSON these characters occur only in strings, where \u is an equivalent escape.
  std::string escaped;
  for (const char c : to_ascii(json)) {
    switch (c) {
      case '&':
        escaped += "\\u0026";
        break;
      case '<':
        escaped += "\\u003c";
        break;
      case '>':
        escaped += "\\u003e";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string html_page(std::string_view body, std::string_view script, const Heading& heading,
                      const nlohmann::ordered_json& data) {
  // Through JSON too, so that it is UTF-8 whatever the names of folders.
  const auto escaped = [](const std::string& text) {
    return escape_html(parse_json(to_text(nlohmann::json(text)), "a heading").get<std::string>());
  };
  return fill(report_files::kFrame, {{{"title", escaped(heading.data + " - " + heading.about)},
                                      {"heading", escaped(heading.data)},
                                      {"about", escaped(heading.about)},
                                      {"style", std::string(report_files::kStyle)},
                                      {"body", std::string(body)},
                                      {"script", std::string(script)},
                                      {"data", embed_json(data)}}});
}

std::string report_page(const nlohmann::ordered_json& report) {
  return html_page(report_files::kPage, report_files::kScript,
                   {report.at("heading").get<std::string>(), report.at("about").get<std::string>()},
                   report);
}

std::string data_uri(const Image& image) {
  return "data:image/png;base64," + base64(encode_png(image));
}

}  // namespace bptplr
