#include "data/images/image_file.hpp"

#include <algorithm>
#include <cctype>
#include <utility>
#include <vector>

#include "data/images/codecs.hpp"
#include "data/images/resize.hpp"
#include "engine/error.hpp"
#include "engine/io/file.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kJpegStart = "\xff\xd8\xff";
constexpr std::string_view kPngStart = "\x89PNG\r\n\x1a\n";
/// Maximum file size: a larger file cannot be a picture of at most kMaxImagePixels.
constexpr std::uintmax_t kMaxFileBytes = std::uintmax_t{1} << 30;

/// Receives the whole picture. Memory is reserved at once but touched only as rows arrive, so a
/// header that promises more than the file holds costs nothing.
class WholeImage final : public RowSink {
 public:
  void start(int height, int width) override {
    image.height = height;
    image.width = width;
    image.pixels.reserve(static_cast<std::size_t>(height) * static_cast<std::size_t>(width) * 3);
    buffer_.resize(kRowOffset + static_cast<std::size_t>(width) * 3);
  }
  std::uint8_t* row() override { return buffer_.data() + kRowOffset; }
  void done() override {
    image.pixels.insert(image.pixels.end(), buffer_.begin() + kRowOffset, buffer_.end());
  }

  Image image;

 private:
  std::vector<std::uint8_t> buffer_;
};

void decode(std::string_view bytes, const std::string& name, RowSink& sink) {
  const bool is_jpeg = bytes.starts_with(kJpegStart);
  require(is_jpeg || bytes.starts_with(kPngStart), "{}: {}; replace or remove the file", name,
          bytes.empty() ? "the file is empty" : "neither a JPEG nor a PNG picture");
  const std::string problem = is_jpeg ? decode_jpeg(bytes, sink) : decode_png(bytes, sink);
  require(problem.empty(), "{}: not a readable {} picture: {}; replace or remove the file", name,
          is_jpeg ? "JPEG" : "PNG", problem);
}

}  // namespace

std::string size_problem(std::int64_t height, std::int64_t width) {
  if (height < 1 || width < 1) return fmt::format("its size is {} x {}", width, height);
  if (height <= kMaxImagePixels / width) return "";
  return fmt::format("its {} x {} pixels are more than the {} million that are read", width, height,
                     kMaxImagePixels / 1'000'000);
}

Image decode_image(std::string_view bytes, const std::string& name) {
  WholeImage whole;
  decode(bytes, name, whole);
  return std::move(whole.image);
}

void decode_resized(std::string_view bytes, const std::string& name, int side, std::uint8_t* out) {
  ResizeAndCrop resized(side, out);
  decode(bytes, name, resized);
}

std::string read_image_bytes(const fs::path& path) {
  // Checks the type first, as opening a pipe would wait for its other end.
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  require(fs::exists(status), "{}: there is no such file, or it is a link to nowhere; remove it",
          path.string());
  require(fs::is_regular_file(status), "{}: not a file but a {}; remove it", path.string(),
          fs::is_directory(status) ? "folder" : "device");
  const std::uintmax_t size = fs::file_size(path, error);
  require(error || size <= kMaxFileBytes,
          "{}: {} bytes are too many for a picture; replace or remove the file", path.string(),
          size);
  return read_file(path);
}

Image read_image(const fs::path& path) {
  return decode_image(read_image_bytes(path), path.string());
}

void read_resized(const fs::path& path, int side, std::uint8_t* out) {
  decode_resized(read_image_bytes(path), path.string(), side, out);
}

bool has_image_name(const fs::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension == ".jpg" || extension == ".jpeg" || extension == ".png";
}

void write_png(const fs::path& path, const Image& image) {
  write_file_atomically(path, encode_png(image));
}

}  // namespace bptplr
