#include "data/images/formats.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "data/images/codecs.hpp"

namespace bptplr {
namespace {

using std::string_view_literals::operator""sv;

constexpr std::array kRead{
    ImageFormat{"JPEG", [](std::string_view b) { return b.starts_with("\xff\xd8\xff"); },
                decode_jpeg},
    ImageFormat{"PNG", [](std::string_view b) { return b.starts_with("\x89PNG\r\n\x1a\n"); },
                decode_png},
    ImageFormat{"WebP",
                [](std::string_view b) {
                  return b.size() >= 12 && b.starts_with("RIFF") && b.substr(8, 4) == "WEBP";
                },
                decode_webp},
    // Two letters alone are too little to go by: the size of the second header follows.
    ImageFormat{"BMP",
                [](std::string_view b) {
                  return b.starts_with("BM") && b.size() >= 26 && b.substr(15, 3) == "\0\0\0"sv;
                },
                decode_bmp}};

/// Pictures of other formats: bytes at a place.
struct Unread {
  std::string_view name;
  std::size_t at;
  std::string_view bytes;
};
constexpr std::array kUnread{
    Unread{"GIF", 0, "GIF8"},
    Unread{"TIFF", 0, "II*\0"sv},
    Unread{"TIFF", 0, "MM\0*"sv},
    Unread{"TIFF", 0, "II+\0"sv},
    Unread{"AVIF", 4, "ftypavif"},
    Unread{"AVIF", 4, "ftypavis"},
    Unread{"HEIC", 4, "ftypheic"},
    Unread{"HEIC", 4, "ftypheix"},
    Unread{"HEIC", 4, "ftypmif1"},
    Unread{"JPEG XL", 0, "\xff\x0a"},
    Unread{"JPEG XL", 0, "\0\0\0\x0cJXL "sv},
    Unread{"JPEG 2000", 0, "\0\0\0\x0cjP  "sv},
    Unread{"JPEG 2000", 0, "\xff\x4f\xff\x51"},
    Unread{"icon", 0, "\0\0\1\0"sv},
    Unread{"Photoshop", 0, "8BPS"},
};

/// Returns whether text begins with `start`, in upper or lower case, after blanks.
bool starts_as(std::string_view text, std::string_view start) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n\xef\xbb\xbf"), text.size()));
  return std::ranges::equal(text.substr(0, start.size()), start, {}, [](char c) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  });
}

}  // namespace

const ImageFormat* format_of(std::string_view bytes) {
  const auto* format = std::ranges::find_if(kRead, [&](const auto& f) { return f.is(bytes); });
  return format == kRead.end() ? nullptr : format;
}

std::string unread_kind(std::string_view bytes) {
  if (bytes.empty()) return "the file is empty; replace or remove it";
  for (const Unread& format : kUnread) {
    if (bytes.size() > format.at && bytes.substr(format.at).starts_with(format.bytes)) {
      return fmt::format(
          "a{} {} picture, which is not read (JPEG, PNG, WebP and BMP are); convert or remove the "
          "file",
          format.name.starts_with("A") || format.name.starts_with("i") ? "n" : "", format.name);
    }
  }
  for (const std::string_view start : {"<!doctype html", "<html", "<head", "<body"}) {
    if (starts_as(bytes, start)) return "a web page, no picture; fetch the file again or remove it";
  }
  if (starts_as(bytes, "<svg") || starts_as(bytes, "<?xml")) {
    return "a drawing or other XML, not a picture of pixels; convert or remove the file";
  }
  if (bytes.starts_with("version https://git-lfs")) {
    return "a pointer of Git LFS in place of the picture; fetch the file with `git lfs pull`";
  }
  return "neither a JPEG, PNG, WebP nor BMP picture; replace or remove the file";
}

bool has_image_name(const std::filesystem::path& path) {
  std::string ending = path.extension().string();
  std::ranges::transform(ending, ending.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  constexpr auto kEndings = std::to_array<std::string_view>(
      {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".dib"});
  return std::ranges::find(kEndings, ending) != kEndings.end();
}

}  // namespace bptplr
