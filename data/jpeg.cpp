// JPEG by libjpeg-turbo. The library calls back when something is wrong and expects not to be
// returned to; the only ways out are exit and longjmp, so `run` keeps nothing that would need to be
// destroyed, and its caller owns the decoder and the pixels.
// jpeglib.h needs what stands before it.
// clang-format off
#include <cstddef>
#include <cstdio>
#include <jpeglib.h>
#include <jerror.h>
// clang-format on

#include <csetjmp>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "data/image_codecs.hpp"

namespace bptplr {
namespace {

/// Progressive files may repeat scans without end over a few bytes; genuine ones have about ten.
constexpr int kMaxScans = 500;
/// Rows are decoded to an address that is no multiple of 16. To one that is, the library writes
/// past the caches, and reading the row from memory again takes a third as long as all of its
/// decoding.
constexpr std::size_t kRowOffset = 8;

struct Decoder {
  jpeg_decompress_struct library{};
  jpeg_error_mgr errors{};
  jpeg_progress_mgr progress{};
  std::jmp_buf failed{};
  char message[JMSG_LENGTH_MAX] = "";
  std::vector<std::uint8_t> buffer;  ///< kRowOffset bytes, then a row
  DecodeResult result;

  ~Decoder() { jpeg_destroy_decompress(&library); }
};

Decoder& decoder_of(j_common_ptr library) {
  return *static_cast<Decoder*>(library->client_data);
}

[[noreturn]] void on_error(j_common_ptr library) {
  library->err->format_message(library, decoder_of(library).message);
  std::longjmp(decoder_of(library).failed, 1);
}

/// Warnings are for damage that the library makes good, as Pillow has it do; but an end that comes
/// too early would leave grey where the picture should be.
void on_message(j_common_ptr library, int level) {
  if (level < 0 && library->err->msg_code == JWRN_JPEG_EOF) on_error(library);
}

void no_output(j_common_ptr) {}

void on_progress(j_common_ptr library) {
  Decoder& decoder = decoder_of(library);
  if (decoder.library.input_scan_number <= kMaxScans) return;
  std::snprintf(decoder.message, sizeof decoder.message, "it has more than %d scans", kMaxScans);
  std::longjmp(decoder.failed, 1);
}

void start(Decoder& decoder, std::string_view bytes) {
  jpeg_decompress_struct& library = decoder.library;
  library.err = jpeg_std_error(&decoder.errors);
  decoder.errors.error_exit = on_error;
  decoder.errors.emit_message = on_message;
  decoder.errors.output_message = no_output;
  library.client_data = &decoder;
  jpeg_create_decompress(&library);
  decoder.progress.progress_monitor = on_progress;
  library.progress = &decoder.progress;
  jpeg_mem_src(&library, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
}

/// a * b / 255, rounded, in the arithmetic of Pillow's conversions.
std::uint8_t multiply(int a, int b) {
  const int product = a * b + 128;
  return static_cast<std::uint8_t>(((product >> 8) + product) >> 8);
}

/// Adobe's files hold 255 - ink, so that a colour is (255 - ink) * (255 - black) / 255. Written as
/// Pillow computes it, whose rounding differs from that of the product itself.
void append_cmyk(std::span<const std::uint8_t> row, std::vector<std::uint8_t>& pixels) {
  for (std::size_t i = 0; i < row.size(); i += 4) {
    for (std::size_t c = 0; c < 3; ++c) {
      const int light = row[i + 3];
      pixels.push_back(static_cast<std::uint8_t>(light - multiply(255 - row[i + c], light)));
    }
  }
}

/// Memory for pixels is reserved at once but touched only as rows arrive: a header that promises
/// more than the file holds costs nothing.
void read_rows(Decoder& decoder) {
  jpeg_decompress_struct& library = decoder.library;
  Image& image = decoder.result.image;
  image.height = static_cast<int>(library.output_height);
  image.width = static_cast<int>(library.output_width);
  image.pixels.reserve(std::size_t{library.output_height} * library.output_width * 3);
  decoder.buffer.resize(kRowOffset + std::size_t{library.output_width} *
                                         static_cast<std::size_t>(library.output_components));
  const std::span row = std::span(decoder.buffer).subspan(kRowOffset);
  while (library.output_scanline < library.output_height) {
    JSAMPROW start = row.data();
    jpeg_read_scanlines(&library, &start, 1);
    if (library.output_components == 4) {
      append_cmyk(row, image.pixels);
    } else {
      image.pixels.insert(image.pixels.end(), row.begin(), row.end());
    }
  }
}

/// Not inlined: what a function that calls setjmp keeps in registers is lost when it is returned
/// to.
[[gnu::noinline]] void decode(Decoder& decoder, std::string_view bytes) {
  start(decoder, bytes);
  jpeg_decompress_struct& library = decoder.library;
  jpeg_read_header(&library, TRUE);
  decoder.result.problem = size_problem(library.image_height, library.image_width);
  if (!decoder.result.problem.empty()) return;
  library.out_color_space = library.num_components == 4 ? JCS_CMYK : JCS_RGB;
  jpeg_start_decompress(&library);
  read_rows(decoder);
  jpeg_finish_decompress(&library);
}

/// False when the library gave up.
bool run(Decoder& decoder, std::string_view bytes) {
  if (setjmp(decoder.failed) != 0) return false;
  decode(decoder, bytes);
  return true;
}

}  // namespace

DecodeResult decode_jpeg(std::string_view bytes) {
  const auto decoder = std::make_unique<Decoder>();
  if (!run(*decoder, bytes)) decoder->result = {{}, decoder->message};
  return std::move(decoder->result);
}

}  // namespace bptplr
