// JPEG by libjpeg-turbo. The library's error callback must not return: it can only exit or longjmp.
// `run` therefore holds no objects with destructors; its caller owns the decoder and the pixels.
// jpeglib.h needs the headers before it.
// clang-format off
#include <cstddef>
#include <cstdio>
#include <jpeglib.h>
#include <jerror.h>
// clang-format on

#include <algorithm>
#include <csetjmp>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "data/images/codecs.hpp"

namespace bptplr {
namespace {

/// Limit for progressive files, which may repeat scans without end in a few bytes each, while every
/// scan passes over the whole picture; genuine files have about ten.
constexpr std::int64_t kMaxScans = 500;

struct JpegDecoder {
  jpeg_decompress_struct library{};
  jpeg_error_mgr errors{};
  jpeg_progress_mgr progress{};
  std::jmp_buf failed{};
  char message[JMSG_LENGTH_MAX] = "";
  std::vector<std::uint8_t> inks;  ///< a row of a CMYK picture
  std::int64_t most_scans = kMaxScans;
  std::string problem;  ///< found here, not by the library

  ~JpegDecoder() { jpeg_destroy_decompress(&library); }
};

JpegDecoder& decoder_of(j_common_ptr library) {
  return *static_cast<JpegDecoder*>(library->client_data);
}

[[noreturn]] void on_error(j_common_ptr library) {
  library->err->format_message(library, decoder_of(library).message);
  std::longjmp(decoder_of(library).failed, 1);
}

/// Ignores warnings about damage that the library repairs, as Pillow does, but not a premature end,
/// which would leave part of the picture grey.
void on_message(j_common_ptr library, int level) {
  if (level < 0 && library->err->msg_code == JWRN_JPEG_EOF) on_error(library);
}

void no_output(j_common_ptr) {}

void on_progress(j_common_ptr library) {
  JpegDecoder& decoder = decoder_of(library);
  if (decoder.library.input_scan_number <= decoder.most_scans) return;
  std::snprintf(decoder.message, sizeof decoder.message,
                "it has more than %d scans, too many for a file of its size",
                static_cast<int>(decoder.most_scans));
  std::longjmp(decoder.failed, 1);
}

void start(JpegDecoder& decoder, std::string_view bytes) {
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

/// Bytes of memory that a pixel takes beside the rows in flight: of a file of several scans the
/// library keeps the coefficients of all components, whose blocks it pads to whole units.
double held_bytes_per_pixel(jpeg_decompress_struct& library) {
  if (jpeg_has_multiple_scans(&library) == FALSE) return 0;
  double held = 0;
  for (int c = 0; c < library.num_components; ++c) {
    const jpeg_component_info& component = library.comp_info[c];
    held += (component.width_in_blocks + component.h_samp_factor) * double{sizeof(JBLOCK)} *
            (component.height_in_blocks + component.v_samp_factor);
  }
  return held / library.image_width / library.image_height;
}

/// Returns why the picture is refused before it is decoded, or "".
std::string limit_problem(JpegDecoder& decoder, std::size_t file_bytes) {
  jpeg_decompress_struct& library = decoder.library;
  const std::int64_t height = library.image_height;
  const std::int64_t width = library.image_width;
  std::string problem = size_problem(height, width);
  if (!problem.empty()) return problem;
  decoder.most_scans = std::min(kMaxScans, most_passes(height, width, file_bytes));
  return memory_problem(height, width, held_bytes_per_pixel(library), file_bytes);
}

/// Returns a * b / 255, rounded by the arithmetic of Pillow's conversions.
std::uint8_t multiply(int a, int b) {
  const int product = a * b + 128;
  return static_cast<std::uint8_t>(((product >> 8) + product) >> 8);
}

/// Converts a row of an Adobe file, which holds 255 - ink: a colour is (255 - ink) * (255 - black)
/// / 255. Computed as in Pillow, whose rounding differs from that of the product itself.
void convert_cmyk(std::span<const std::uint8_t> inks, std::uint8_t* rgb) {
  for (std::size_t i = 0; i < inks.size(); i += 4) {
    for (std::size_t c = 0; c < 3; ++c) {
      const int light = inks[i + 3];
      *rgb++ = static_cast<std::uint8_t>(light - multiply(255 - inks[i + c], light));
    }
  }
}

void read_rows(JpegDecoder& decoder, RowSink& sink) {
  jpeg_decompress_struct& library = decoder.library;
  sink.start(static_cast<int>(library.output_height), static_cast<int>(library.output_width));
  const bool is_cmyk = library.output_components == 4;
  if (is_cmyk) decoder.inks.resize(std::size_t{library.output_width} * 4);
  while (library.output_scanline < library.output_height) {
    JSAMPROW rgb = sink.row();
    JSAMPROW row = is_cmyk ? decoder.inks.data() : rgb;
    jpeg_read_scanlines(&library, &row, 1);
    if (is_cmyk) convert_cmyk(decoder.inks, rgb);
    sink.done();
  }
}

/// Not inlined: a function that calls setjmp loses its values in registers after a longjmp.
[[gnu::noinline]] void decode(JpegDecoder& decoder, std::string_view bytes, RowSink& sink) {
  start(decoder, bytes);
  jpeg_decompress_struct& library = decoder.library;
  jpeg_read_header(&library, TRUE);
  decoder.problem = limit_problem(decoder, bytes.size());
  if (!decoder.problem.empty()) return;
  library.out_color_space = library.num_components == 4 ? JCS_CMYK : JCS_RGB;
  jpeg_start_decompress(&library);
  read_rows(decoder, sink);
  jpeg_finish_decompress(&library);
}

/// Returns false if the library failed.
bool run(JpegDecoder& decoder, std::string_view bytes, RowSink& sink) {
  if (setjmp(decoder.failed) != 0) return false;
  decode(decoder, bytes, sink);
  return true;
}

}  // namespace

std::string decode_jpeg(std::string_view bytes, RowSink& sink) {
  const auto decoder = std::make_unique<JpegDecoder>();
  if (run(*decoder, bytes, sink)) return std::move(decoder->problem);
  if (decoder->errors.msg_code == JERR_OUT_OF_MEMORY) throw std::bad_alloc();
  return decoder->message;
}

}  // namespace bptplr
