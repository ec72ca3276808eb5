#include "data/images/image_file.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "data/images/codecs.hpp"
#include "data/images/formats.hpp"
#include "data/images/orientation.hpp"
#include "data/images/resize.hpp"
#include "engine/error.hpp"
#include "engine/io/budget.hpp"
#include "engine/io/file.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

/// Maximum file size: a larger file cannot be a picture of at most kMaxImagePixels.
constexpr std::uintmax_t kMaxFileBytes = std::uintmax_t{1} << 30;

/// Bytes of a pixel in memory.
constexpr int kPixelBytes = 3;

/// Receives the whole picture. Memory is reserved at once but touched only as rows arrive, so a
/// header that promises more than the file holds costs nothing.
class WholeImage final : public RowSink {
 public:
  /// Receives the size and the name of the file, and how many copies of the picture there will be.
  WholeImage(std::size_t file_bytes, const std::string& name, int copies)
      : file_bytes_(file_bytes), name_(name), copies_(copies) {}

  void start(int height, int width) override {
    const std::string problem = memory_problem(height, width, kPixelBytes * copies_, file_bytes_);
    require(problem.empty(), "{}: {}; replace or remove the file", name_, problem);
    image.height = height;
    image.width = width;
    const std::size_t stride = static_cast<std::size_t>(width) * kPixelBytes;
    image.pixels.reserve(static_cast<std::size_t>(height) * stride);
    buffer_.resize(kRowOffset + stride);
  }
  std::uint8_t* row() override { return buffer_.data() + kRowOffset; }
  void done() override {
    image.pixels.insert(image.pixels.end(), buffer_.begin() + kRowOffset, buffer_.end());
  }

  Image image;

 private:
  std::size_t file_bytes_;
  const std::string& name_;
  int copies_;
  std::vector<std::uint8_t> buffer_;
};

/// Decodes into the sink a picture that has to be turned, and so is complete before its first row.
void decode_turned(std::string_view bytes, const std::string& name, int orientation,
                   RowSink& sink) {
  WholeImage whole(bytes.size(), name, 1);
  decode_rows(bytes, name, whole);
  pass_upright(whole.image, orientation, sink);
}

}  // namespace

void decode_rows(std::string_view bytes, const std::string& name, RowSink& sink) {
  const ImageFormat* format = format_of(bytes);
  if (format == nullptr) throw Error("{}: {}", name, unread_kind(bytes));
  const std::string problem = format->decode(bytes, sink);
  require(problem.empty(), "{}: not a readable {} picture: {}; replace or remove the file", name,
          format->name, problem);
}

std::string size_problem(std::int64_t height, std::int64_t width) {
  if (height < 1 || width < 1) return fmt::format("its size is {} x {}", width, height);
  if (std::max(height, width) > kMaxPictureSide) {
    return fmt::format("its {} x {} pixels have a side of more than {}", width, height,
                       kMaxPictureSide);
  }
  if (height <= kMaxImagePixels / width) return "";
  return fmt::format("its {} x {} pixels are more than the {} million that are read", width, height,
                     kMaxImagePixels / 1'000'000);
}

std::string memory_problem(std::int64_t height, std::int64_t width, double bytes_per_pixel,
                           std::size_t file_bytes) {
  const double held = static_cast<double>(height) * static_cast<double>(width) * bytes_per_pixel;
  if (held <= static_cast<double>(kHeldPicture.of(file_bytes))) return "";
  return fmt::format("it would take {:.0f} MiB of memory, far more than a file of {} bytes should",
                     held / (1 << 20), file_bytes);
}

std::int64_t most_passes(std::int64_t height, std::int64_t width, std::size_t file_bytes) {
  const auto pixels = static_cast<std::int64_t>(kWorkedPicture.of(file_bytes));
  return std::max<std::int64_t>(pixels / (height * width), 1);
}

Image decode_image(std::string_view bytes, const std::string& name, bool exif) {
  const int orientation = exif ? orientation_of(bytes) : 1;
  WholeImage whole(bytes.size(), name, orientation == 1 ? 1 : 2);
  decode_rows(bytes, name, whole);
  return orientation == 1 ? std::move(whole.image) : upright(whole.image, orientation);
}

void decode_resized(std::string_view bytes, const std::string& name, int side, bool exif,
                    std::uint8_t* out) {
  ResizeAndCrop resized(side, out);
  const int orientation = exif ? orientation_of(bytes) : 1;
  if (orientation == 1) {
    decode_rows(bytes, name, resized);
  } else {
    decode_turned(bytes, name, orientation, resized);
  }
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

void read_resized(const fs::path& path, int side, bool exif, std::uint8_t* out) {
  decode_resized(read_image_bytes(path), path.string(), side, exif, out);
}

void write_png(const fs::path& path, const Image& image) {
  write_file_atomically(path, encode_png(image));
}

}  // namespace bptplr
